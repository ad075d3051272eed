#!/usr/bin/env bash
# No source file has more than 800 lines before its tests: beyond that it is several machines in one.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
while IFS= read -r file; do
    lines=$(awk '/^#\[cfg\(test\)\]/{exit} {n++} END{print n+0}' "$file")
    if [ "$lines" -gt 800 ]; then
        echo "$file has $lines lines: split it" >&2
        bad=1
    fi
done < <(git ls-files '*.rs' | grep -v -E '(^|/)(tests|benches|fuzz|examples)/|/tests\.rs$')
exit $bad
