#!/usr/bin/env bash
# The pure crates depend on nothing that does I/O, and each crate only on those that ARCHITECTURE.md allows.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
ours() { cargo tree --locked -q -p "$1" --edges normal --depth 1 --prefix none | grep -o '^kith-[a-z]*' | sort -u | grep -v "^$1\$" | tr '\n' ' '; }
allow() {
    local crate=$1 allowed=" $2 "
    for used in $(ours "$crate"); do
        [[ $allowed == *" $used "* ]] || { echo "$crate must not use $used" >&2; bad=1; }
    done
}
allow kith-proto ""
allow kith-crypto "kith-proto"
allow kith-engine "kith-proto kith-crypto"
allow kith-store "kith-proto"
allow kith-net "kith-proto"
allow kith-bootstrap "kith-proto kith-store kith-net"
allow kith-simulations "kith-proto kith-crypto kith-engine"
allow kith-node "kith-proto kith-crypto kith-engine kith-store kith-net"
allow kith-gui "kith-proto kith-crypto kith-engine kith-node"
for crate in kith-proto kith-crypto kith-engine; do
    if found=$(cargo tree --locked -q -p "$crate" --edges normal --prefix none | grep -E '^(tokio|redb|libp2p|mio|socket2|async-|getrandom v0\.[0-9])' | sort -u) && [ -n "$found" ]; then
        echo "$crate must stay pure, but uses:" "$found" >&2
        bad=1
    fi
done
exit $bad
