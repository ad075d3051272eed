#!/usr/bin/env bash
# The smoke test of the real programs, a search through what a community node writes down, full disks and routers where
# namespaces are allowed, then a picture of the real app on a virtual screen.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CARGO_TARGET_DIR:-target}/debug
# Namespaces and full disks need root. Where nothing may be left out, as in CI, they get it if no password is asked for.
as_root=()
if [ -n "${NO_SKIPS:-}" ] && [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then as_root=(sudo -n -E); fi
mail=${MAIL:-200}
python3 tools/smoke.py --bin "$bin" --messages "${MESSAGES:-1000}" --kills "${KILLS:-10}"
python3 tools/mailboxes.py --bin "$bin" --messages "$mail" --rounds "${ROUNDS:-3}"
python3 tools/mailboxes.py --bin "$bin" --messages "$mail" --rounds "${ROUNDS:-3}" --friends
python3 tools/leaks.py --bin "$bin"
${as_root[@]+"${as_root[@]}"} python3 tools/leaks.py --bin "$bin" --relay
python3 tools/calls.py --bin "$bin"
python3 tools/sound.py --bin "$bin"
python3 tools/browser.py --bin "$bin"
${as_root[@]+"${as_root[@]}"} python3 tools/full_disk.py --bin "$bin"
${as_root[@]+"${as_root[@]}"} python3 tools/nat_lab.py --bin "$bin" --rounds 1 --patience 3
if command -v xvfb-run >/dev/null; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    for theme in dark light; do
        XDG_RUNTIME_DIR=$folder timeout 60 xvfb-run -a "$bin/kith" --data "$folder/data" --no-mdns \
            --listen /ip4/127.0.0.1/tcp/0 --theme "$theme" --screenshot "$folder/$theme.png" 2>/dev/null
        [ -s "$folder/$theme.png" ] || { echo "the app drew nothing ($theme)" >&2; exit 1; }
    done
    echo "the app opens, light and dark"
else
    echo "xvfb-run is missing: the app was not opened"
fi
