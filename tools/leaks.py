#!/usr/bin/env python3
"""What a community node writes down about people, searched for what it must not know.

    tools/leaks.py [--bin DIR] [--relay]

Real programs over loopback, or with --relay behind routers that leave them only the relay (root, `ip`, `nft`). Ann and Bob find each other by a link, while apart and by way of one community node that is
DHT, relay and mailbox, then meet; Dan, who knows nothing but Ann's address, knocks while she is away, and they write
by mail. Ann also has a friend, Cat, who never uses the node. The node logs everything that
it and its libraries can log. Then its log and its folder are searched for names, texts, accounts, chats, links and the
device of Cat, as bytes and in every usual spelling. What the service is asked and stores, unsealed, is searched by
`crates/mailbox/tests/learned`. Needs nothing but Python 3.
"""

import argparse
import base64
import os
import shutil
import subprocess
import sys
import tempfile

import nat_lab
from smoke import Node, befriend, history, skipped, until

NAMES = {"ann": "Annabella Quetzalcoatl", "bob": "Robertino Xylophonist", "cat": "Catarina Zeppelinova",
         "dan": "Danilo Vexillologist"}
GREETING = "we met at the lighthouse keepers' ball"
TEXTS = ["the brass telescope is under the third stair", "then bring the marzipan elephant at midnight",
         "nobody ever finds the zeppelin in the greenhouse", "so you are the one with the unicycle"]
KNOCK = "the juggler from the flea market"

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ALPHABETS = ["0123456789abcdef", "0123456789ABCDEF", "abcdefghijklmnopqrstuvwxyz234567", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
             BECH32, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]

# Bytes and letters in a row that are no accident.
RAW, LETTERS = 8, 12


def bits_of(data):
    return "".join(f"{byte:08b}" for byte in data)


def bytes_of(bits):
    return bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - 7, 8))


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, letter = divmod(number, 58)
        text = BASE58[letter] + text
    return text


def from_base58(text):
    number = 0
    for letter in text:
        number = number * 58 + BASE58.index(letter)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def pieces(data, length):
    """Parts of which any long enough part of the data has one."""
    return [data[at:at + length] for at in range(0, len(data) - length + 1, length)]


def spellings(secret):
    """Parts of the secret as bytes, in every alphabet at every alignment, and as programs print bytes."""
    found = set(pieces(secret, RAW))
    for alphabet in ALPHABETS:
        width = len(alphabet).bit_length() - 1
        for skipped in range(width):
            bits = bits_of(secret)[skipped:]
            letters = [alphabet[int(bits[at:at + width], 2)] for at in range(0, len(bits) - width + 1, width)]
            found.update(pieces("".join(letters).encode(), LETTERS))
    found.update(pieces(base58(secret).encode(), LETTERS))
    for part in pieces(secret, RAW):
        found.add(", ".join(str(byte) for byte in part).encode())
        found.add("".join(f"\\x{byte:02x}" for byte in part).encode())
    return found


class Secret:
    """Something that may not be there, by what it is called when it is."""

    def __init__(self, name, data, text=None):
        self.name = name
        self.parts = spellings(data) | set(pieces(text.encode(), LETTERS) if text else [])

    def is_in(self, hay):
        return any(part in hay for part in self.parts)


def account(text):
    """The bytes behind an account's text, and the text without what all have."""
    data = text[text.rindex("1") + 1:]
    bits = "".join(f"{BECH32.index(letter):05b}" for letter in data[:-6])
    return Secret(f"account {text}", bytes_of(bits)[:32], data)


def device(name, text):
    """The key of a device, and its text without what all have."""
    return Secret(f"device of {name}", from_base58(text)[-32:], text[12:])


def link(text):
    data = text.removeprefix("kith:")
    data = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    return Secret("secret of the link", data[33:49])


class Place:
    """Where the programs run: on this machine, or in two homes and an internet between them."""

    def __init__(self, relay):
        self.lab = nat_lab.Lab() if relay else None
        if relay:
            self.lab.translate("another port each time", "another port each time")
        self.listen = None if relay else "/ip4/127.0.0.1/tcp/0"

    def enter(self, space):
        return self.lab.enter(space) if self.lab else []

    def person(self, program, folder, home, *extra):
        return Node(program, folder, "--no-upnp", *extra, before=self.enter(home), listen=self.listen)

    def close(self):
        if self.lab:
            self.lab.close()


class Community:
    """The community node, which logs all it can into a file."""

    def __init__(self, place, binary, folder):
        at = "/ip4/198.51.100.1/tcp/4001" if place.lab else place.listen
        command = [*place.enter("internet"), binary, "--data", f"{folder}/node", "--listen", at, "--http", "off",
                   "--log", "trace"]
        with open(f"{folder}/log", "wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("address: ")


def files(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                yield os.path.join(root, name), file.read()


def by_way_of_the_node(ann, bob, chat):
    """Texts both ways while apart, by mail; then one while both are there."""
    stored = lambda node: [m["state"] for m in history(node, chat) if m["outgoing"]][-1:] == ["stored"]
    for writer, reader, text in ((bob, ann, TEXTS[0]), (ann, bob, TEXTS[1])):
        reader.stop()
        writer.call("messages.send", chat_id=chat, text=text)
        until("the node keeps it", lambda w=writer: stored(w))
        writer.stop()
        reader.start()
        until("it is fetched", lambda r=reader, t=text: any(m["text"] == t for m in history(r, chat)))
        writer.start()
    until("they see each other", lambda: nat_lab.path(bob))
    bob.call("messages.send", chat_id=chat, text=TEXTS[2])
    until("they meet", lambda: any(m["text"] == TEXTS[2] for m in history(ann, chat)))


def befriend_by_link(ann, bob):
    """Bob uses Ann's link, in which the node stands. Returns the chat and the link."""
    for one in (ann, bob):
        until("the node keeps mail for both", lambda o=one: any(
            own["accepted"] for own in o.call("network.info")["mailboxes"]))
    invited = ann.call("contacts.invite")["link"]
    chat = bob.call("contacts.add", link=invited, message=GREETING)["chat_id"]
    until("Ann is asked", lambda: any(c["state"] == "incoming" for c in ann.call("contacts.list")["contacts"]))
    asker = [c for c in ann.call("contacts.list")["contacts"] if c["state"] == "incoming"][0]
    ann.call("contacts.accept", contact_id=asker["contact_id"])
    until("Bob is accepted", lambda: all(c["state"] == "accepted" for c in bob.call("contacts.list")["contacts"]))
    until("both know where to leave mail", lambda: all(
        contact["mailboxes"] for one in (ann, bob) for contact in one.call("contacts.list")["contacts"]
        if contact["name"] != NAMES["cat"]))
    return chat, invited


def knock(dan, ann, address):
    """Dan asks by Ann's address while she is away; she accepts while he is. Returns the chat."""
    until("the node keeps mail for Dan", lambda: any(
        own["accepted"] for own in dan.call("network.info")["mailboxes"]))
    ann.stop()
    chat = dan.call("contacts.add", link=address, message=KNOCK)["chat_id"]
    until("the node has the request", lambda: "left in mailboxes: 0" not in dan.call("network.report")["report"])
    dan.stop(), ann.start()
    strangers = lambda: [c for c in ann.call("contacts.list")["contacts"] if c["stranger"]]
    until("Ann is asked by a stranger", strangers)
    ann.call("contacts.accept", contact_id=strangers()[0]["contact_id"])
    ann.call("messages.send", chat_id=chat, text=TEXTS[3])
    until("the node keeps it", lambda: [m["state"] for m in history(ann, chat)] == ["stored"])
    ann.stop(), dan.start()
    until("Dan has the answer", lambda: any(m["text"] == TEXTS[3] for m in history(dan, chat)))
    ann.start()
    return chat


def search(folder, secrets):
    """What was found where. Counts what was looked at."""
    with open(f"{folder}/log", "rb") as log:
        looked_at = [(f"{folder}/log", log.read()), *files(f"{folder}/node")]
    size, parts = sum(len(hay) for _, hay in looked_at) >> 10, sum(len(secret.parts) for secret in secrets)
    bad = [(path, secret.name) for path, hay in looked_at for secret in secrets if secret.is_in(hay)]
    print(f"{len(looked_at)} files, {size} KiB, {parts} spellings of {len(secrets)} things: {len(bad)} found", flush=True)
    for path, name in bad:
        print(f"LEAK: {os.path.relpath(path, folder)} shows the {name}", file=sys.stderr)
    return bad


def story(options, place, folder, running):
    server, program = (os.path.join(options.bin, name) for name in ("kith-bootstrap", "kith-node"))
    node = Community(place, server, folder)
    running.append(node)
    # Cat and Ann are friends before Ann knows the node: afterwards Cat would be told where to leave mail.
    cat, ann = (place.person(program, f"{folder}/{name}", "home1") for name in ("cat", "ann"))
    running += [cat, ann]
    made = {name: one.call("account.create", name=NAMES[name]) for name, one in (("cat", cat), ("ann", ann))}
    befriend(cat, ann)
    cat.stop(), ann.stop()
    ann, bob = (place.person(program, f"{folder}/{name}", home, "--bootstrap", node.address)
                for name, home in (("ann", "home1"), ("bob", "home2")))
    running += [ann, bob]
    made["bob"] = bob.call("account.create", name=NAMES["bob"])
    if place.lab:
        until("both can be reached by relay", lambda: nat_lab.joined(ann) and nat_lab.joined(bob))
    chat, invited = befriend_by_link(ann, bob)
    by_way_of_the_node(ann, bob, chat)
    path = nat_lab.path(bob)
    print(f"three texts went through: two by mail, one {path}", flush=True)
    assert not place.lab or path == "relayed", "there was another way"
    dan = place.person(program, f"{folder}/dan", "home2", "--bootstrap", node.address)
    running.append(dan)
    made["dan"] = dan.call("account.create", name=NAMES["dan"])
    knocked = knock(dan, ann, made["ann"]["account_id"])
    print("a stranger knocked and was answered by mail", flush=True)
    told = str([one.call("contacts.list") for one in (ann, bob)] + history(ann, chat) + history(ann, knocked)).encode()
    ann.stop(), bob.stop(), dan.stop()
    node.process.terminate()
    node.process.wait(20)

    people = [account(one["account_id"]) for one in made.values()]
    people += [Secret(f"name {name}", name.encode(), name) for name in NAMES.values()]
    texts = [Secret(f"text {text}", text.encode(), text) for text in TEXTS]
    others = [Secret("greeting", GREETING.encode(), GREETING), Secret("chat", bytes.fromhex(chat)), link(invited),
              Secret("words of a stranger", KNOCK.encode(), KNOCK), Secret("chat with a stranger", bytes.fromhex(knocked)),
              device("Cat", made["cat"]["device_id"])]
    bad = search(folder, people + texts + others)
    # The search finds what is there: people's own programs tell it, and the log has who connected.
    for secret in people + texts:
        assert secret.is_in(told), f"the search does not find the {secret.name} where it is"
    with open(f"{folder}/log", "rb") as log:
        hay = log.read()
    assert all(device(name, made[name]["device_id"]).is_in(hay) for name in ("ann", "bob", "dan")), "the log is the whole log"
    return 1 if bad else 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--relay", action="store_true")
    options = options.parse_args()
    reason = nat_lab.possible() if options.relay else None
    if reason:
        return skipped("the search with a relay", reason)
    folder, running = tempfile.mkdtemp(prefix="kith-leaks-"), []
    place = Place(options.relay)
    try:
        return story(options, place, folder, running)
    finally:
        for one in running:
            one.process.kill()
        place.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
