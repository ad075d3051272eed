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
allow kith-mailbox "kith-proto"
allow kith-media ""
allow kith-vpx ""
allow kith-calls "kith-proto kith-crypto kith-media kith-vpx"
allow kith-store "kith-proto"
allow kith-net "kith-proto"
allow kith-host "kith-proto kith-mailbox kith-store kith-net"
allow kith-turn "kith-proto"
allow kith-bootstrap "kith-proto kith-mailbox kith-store kith-net kith-host kith-turn"
allow kith-simulations "kith-proto kith-crypto kith-engine kith-mailbox"
allow kith-node "kith-proto kith-crypto kith-engine kith-mailbox kith-store kith-net kith-host kith-calls"
allow kith-gui "kith-proto kith-crypto kith-engine kith-node"
# What each pure crate uses directly. A new name is a decision: it must be pure as well.
uses() {
    local crate=$1 allowed
    allowed=" $(echo $2) "
    for used in $(cargo tree --locked -q -p "$crate" --edges normal --depth 1 --prefix none | awk 'NR > 1 { print $1 }' | sort -u); do
        [[ $allowed == *" $used "* ]] || { echo "$crate uses $used, which tools/check-purity.sh does not list" >&2; bad=1; }
    done
}
uses kith-proto "bech32 blake3 bs58 data-encoding serde thiserror zeroize"
uses kith-crypto "aes-gcm bip39 blake3 chacha20poly1305 curve25519-dalek ed25519-dalek hkdf hmac hpke kith-proto ml-kem rand_core
    sha2 subtle thiserror x25519-dalek zeroize"
uses kith-media ""
uses kith-turn "data-encoding hmac kith-proto md-5 sha1 sha2 subtle zeroize"
uses kith-mailbox "blake3 ed25519-dalek hpke kith-proto rand_chacha rand_core serde thiserror tracing zeroize"
uses kith-engine "blake3 kith-crypto kith-proto negentropy rand_chacha rand_core serde thiserror tracing zeroize"

for crate in kith-proto kith-crypto kith-engine kith-mailbox kith-media kith-turn; do
    if found=$(cargo tree --locked -q -p "$crate" --edges normal --prefix none | grep -E '^(tokio|redb|libp2p|mio|socket2|async-|getrandom v0\.[0-9])' | sort -u) && [ -n "$found" ]; then
        echo "$crate must stay pure, but uses:" "$found" >&2
        bad=1
    fi
done
exit $bad
