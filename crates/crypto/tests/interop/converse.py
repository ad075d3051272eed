"""A conversation between `examples/ratchet.rs` and the package DoubleRatchet. See README.md."""

import asyncio
import hashlib
import hmac
import os
import random
import subprocess
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from doubleratchet import AEAD, KDF, DecryptionFailedException, DiffieHellmanRatchet, DoubleRatchet, EncryptedMessage, Header

STEPS, HEADER = 2_000, 40


def hkdf(salt, secret, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


class Root(KDF):
    @staticmethod
    async def derive(key, data, length):
        return hkdf(key, data, b"kith ratchet root v1", length)


class Chain(KDF):
    """First the next chain key, then the message key."""

    @staticmethod
    async def derive(key, data, length):
        return b"".join(hmac.new(key, bytes([byte]), hashlib.sha256).digest() for byte in data)[:length]


class Content(AEAD):
    @staticmethod
    def cipher(key):
        block = hkdf(bytes(12), key, b"kith message v1", 44)
        return ChaCha20Poly1305(block[:32]), block[32:]

    @staticmethod
    async def encrypt(plaintext, key, associated_data):
        cipher, nonce = Content.cipher(key)
        return cipher.encrypt(nonce, plaintext, associated_data)

    @staticmethod
    async def decrypt(ciphertext, key, associated_data):
        cipher, nonce = Content.cipher(key)
        try:
            return cipher.decrypt(nonce, ciphertext, associated_data)
        except InvalidTag as error:
            raise DecryptionFailedException from error


class Curve(DiffieHellmanRatchet):
    @staticmethod
    def _generate_priv():
        return X25519PrivateKey.generate().private_bytes_raw()

    @staticmethod
    def _derive_pub(priv):
        return X25519PrivateKey.from_private_bytes(priv).public_key().public_bytes_raw()

    @staticmethod
    def _perform_diffie_hellman(own_priv, other_pub):
        return X25519PrivateKey.from_private_bytes(own_priv).exchange(X25519PublicKey.from_public_bytes(other_pub))


def header_bytes(header):
    numbers = (header.previous_sending_chain_length, header.sending_chain_length)
    return header.ratchet_pub + b"".join(number.to_bytes(4, "little") for number in numbers)


class Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        return associated_data + header_bytes(header)


OPTIONS = dict(
    diffie_hellman_ratchet_class=Curve, root_chain_kdf=Root, message_chain_kdf=Chain, message_chain_constant=b"\x02\x01",
    dos_protection_threshold=1_000, max_num_skipped_message_keys=1_000, aead=Content,
)


def pack(message):
    return header_bytes(message.header) + message.ciphertext


def unpack(data):
    previous, number = (int.from_bytes(data[at:at + 4], "little") for at in (32, 36))
    return EncryptedMessage(Header(data[:32], previous, number), data[HEADER:])


class Kith:
    """The example program."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, *words):
        line = " ".join((word.hex() or "-") if isinstance(word, bytes) else word for word in words)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert not answer.startswith("error"), answer
        return answer

    def seal(self, ad, plain):
        return bytes.fromhex(self.say("seal", ad, plain))

    def open(self, ad, message):
        answer = self.say("open", ad, message)
        return b"" if answer == "-" else bytes.fromhex(answer)


async def conversation(program, seed, kith_begins):
    choice, kith, ad = random.Random(seed), Kith(program), b"both of us"
    root, secret = os.urandom(32), Curve._generate_priv()
    unused = bytes(32)
    if kith_begins:
        kith.say("start", "clear", root, unused, unused, Curve._derive_pub(secret))
        first = kith.seal(ad, b"first")
        python, plain = await Ratchet.decrypt_initial_message(
            **OPTIONS, shared_secret=root, own_ratchet_priv=secret, message=unpack(first), associated_data=ad)
        assert plain == b"first"
    else:
        kith.say("answer", "clear", root, unused, unused, secret)
        python, first = await Ratchet.encrypt_initial_message(
            **OPTIONS, shared_secret=root, recipient_ratchet_pub=Curve._derive_pub(secret), message=b"first", associated_data=ad)
        assert kith.open(ad, pack(first)) == b"first"
    way, opened, lost = {"kith": [], "python": []}, {"kith": 0, "python": 0}, 0
    for step in range(STEPS):
        plain = os.urandom(choice.randrange(64))
        if choice.random() < 0.5:
            way["python"].append((plain, kith.seal(ad, plain)))
        else:
            way["kith"].append((plain, pack(await python.encrypt_message(plain, ad))))
        for reader, waiting in way.items():
            while waiting and choice.random() < 0.5:
                plain, message = waiting.pop(choice.randrange(min(len(waiting), 5)))
                if choice.random() < 0.1:
                    lost += 1
                    continue
                got = kith.open(ad, message) if reader == "kith" else await python.decrypt_message(unpack(message), ad)
                assert got == plain, f"step {step}: {reader} opened something else"
                opened[reader] += 1
    kith.process.kill()
    print(f"seed {seed}: Kith opened {opened['kith']}, DoubleRatchet opened {opened['python']}, {lost} were lost")


async def main():
    for seed in range(6):
        await conversation(sys.argv[1], seed, kith_begins=seed % 2 == 0)


asyncio.run(main())
