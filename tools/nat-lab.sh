#!/bin/sh
# Builds the programs and runs the NAT lab (tools/nat_lab.py); says so and ends well where it is not possible.
set -eu
cd "$(dirname "$0")/.."
cargo build -p kith-node -p kith-bootstrap
exec python3 tools/nat_lab.py --bin "${CARGO_TARGET_DIR:-target}/debug" "$@"
