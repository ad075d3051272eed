"""Opens the published envelopes of a sender chain, from SPEC.md section 14 alone.

    python3 crates/crypto/tests/interop/chain.py crates/crypto/tests/vectors/group_v1.txt

Needs the Python package `cryptography`. The id of the post is BLAKE3 and is left to other tools.
"""

import hashlib
import hmac
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hkdf(salt, secret, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def open_envelope(share, envelope, aad, day):
    assert share[0] == 1 and len(share) == 181
    chain, group, view, cover, signer, key = (
        share[1:17], share[17:49], share[49:81], share[81:113], share[113:145], share[145:177])
    iteration = int.from_bytes(share[177:], "little")
    derived = hkdf(chain, cover, b"kith group cover v1", 64)
    g = hashlib.sha256(b"kith group chain v1" + group + view + signer + chain).digest()
    assert envelope[0] == 1
    tag, box = envelope[1:17], envelope[17:]
    assert tag == mac(derived[:32], b"kith group day tag v1" + day.to_bytes(4, "big"))[:16], "not this chain"
    d = g + tag + aad
    head, content = box[:32], box[32:]
    number = int.from_bytes(ChaCha20Poly1305(derived[32:]).decrypt(head[:12], head[12:], d), "little")
    if number < iteration:
        return None
    for _ in range(number - iteration):
        key = mac(key, b"\x02")
    block = hkdf(head[:12], mac(key, b"\x01"), b"kith group message v1", 44)
    plain = ChaCha20Poly1305(block[:32]).decrypt(block[32:], content, d + head)
    padded, signature = plain[:-64], plain[-64:]
    signed = b"kith group content v1" + len(d).to_bytes(4, "little") + d + head + number.to_bytes(4, "little") + padded
    Ed25519PublicKey.from_public_bytes(signer).verify(signature, signed)
    message = padded.rstrip(b"\0")
    assert message.endswith(b"\x80")
    return message[:-1]


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        vectors = {name: bytes.fromhex(value.strip()) for name, value in (line.split(" = ") for line in file)}
    day = 1_800_000_000_000 // 86_400_000
    opened = 0
    for share, first in (("share_0", 0), ("share_2", 2)):
        for number in range(4):
            message = open_envelope(vectors[share], vectors[f"sealed_{number}"], b"ad", day)
            assert message == (vectors[f"message_{number}"] if number >= first else None), (share, number)
            opened += message is not None
    post = vectors["post"]
    key = Ed25519PrivateKey.from_private_bytes(vectors["post.device_seed"])
    assert post[65:97] == key.public_key().public_bytes_raw()
    key.public_key().verify(post[-64:], b"kith group post v1" + post[:-64])
    print(f"{opened} envelopes opened, 1 post verified")


if __name__ == "__main__":
    main()
