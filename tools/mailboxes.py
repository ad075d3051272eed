#!/usr/bin/env python3
"""Two people who are never there at once, and three community nodes that keep their mail and die.

    tools/mailboxes.py [--bin DIR] [--messages N] [--rounds N] [--seed N] [--friends]

Real programs over loopback. In each round one writes and leaves for good while the other is away; mailboxes are killed
with -9 while they take it, and any two of three are dead when the other comes back: every message is there once and in
order, from the one that is left. Then the answer goes the same way. First, a link is used while its maker is away.
With --friends there is no community node at all: three friends' own devices keep the mail (kith-node, helping switched on).
Needs nothing but Python 3.
"""

import argparse
import datetime
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from smoke import DEADLINE, Node, check, history, send, until


class Community:
    """A community node that can be killed and started again on the same folder and port."""

    def __init__(self, binary, folder, *extra):
        self.command = [binary, "--data", folder, "--listen", "/ip4/127.0.0.1/tcp/0", "--http", "off",
                        "--log", "warn,libp2p=error", *extra]
        self.address = None
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        address = self.process.stdout.readline().strip().removeprefix("address: ")
        if self.address not in (None, address):
            raise SystemExit(f"a community node came back at another address: {address}")
        self.address = address

    def kill(self):
        self.process.kill()
        self.process.wait()

    def is_on(self):
        return self.process.poll() is None

    def is_the(self, mailbox):
        return self.address.endswith(mailbox["device_id"])


class Friend:
    """A friend's device that keeps mail for others, and can be killed and started again."""

    def __init__(self, binary, folder, name):
        self.node = Node(binary, folder)
        self.device = self.node.call("account.create", name=name)["device_id"]
        help = self.node.call("mailboxes.help", enabled=True, bytes=64 << 20)
        assert help["enabled"] and help["who"] == "contacts", help

    @property
    def process(self):
        return self.node.process

    def start(self):
        self.node.start()

    def kill(self):
        self.node.kill()

    def is_on(self):
        return self.node.process.poll() is None

    def is_the(self, mailbox):
        return self.device == mailbox["device_id"]


def meet(one, other):
    """Two become contacts."""
    until("somebody can make a link", lambda: one.call("network.info")["listen"])
    link = one.call("contacts.invite")["link"]
    contact = other.call("contacts.add", link=link)
    state = lambda node: [c["state"] for c in node.call("contacts.list")["contacts"]]
    until("the request came", lambda: "incoming" in state(one))
    for asked in one.call("contacts.list")["contacts"]:
        if asked["state"] == "incoming":
            one.call("contacts.accept", contact_id=asked["contact_id"])
    until("both agree", lambda: "requested" not in state(other))
    return contact["chat_id"]


def among_friends(options, folder, rng):
    """No community node: the mail is kept by three friends, who know both, and die two at a time."""
    node = os.path.join(options.bin, "kith-node")
    people = []
    try:
        helpers = []
        for name in ("carla", "dave", "erin"):
            helpers.append(Friend(node, f"{folder}/{name}", name.title()))
            people.append(helpers[-1])
        ann, bob = (Node(node, f"{folder}/{name}") for name in ("ann", "bob"))
        people += [ann, bob]
        ann.call("account.create", name="Ann")
        bob.call("account.create", name="Bob")
        chat = meet(ann, bob)
        for helper in helpers:
            for person in (ann, bob):
                meet(helper.node, person)
        for person in (ann, bob):
            until("three friends keep the mail", lambda p=person: mailboxes(p) == 3)
        known = lambda p: [c["mailboxes"] for c in p.call("contacts.list")["contacts"] if c["chat_id"] == chat]
        for person in (ann, bob):
            until("each knows where to leave it", lambda p=person: known(p) == [3])
        print("both have three friends who keep their mail, and no community node is there", flush=True)
        wanted = {"ann": [], "bob": []}
        writer, reader = bob, ann
        reader.stop()
        for _ in range(options.rounds):
            gone_before(writer, reader, chat, wanted[writer.folder[-3:]], options, rng, helpers)
            writer, reader = reader, writer
        print("mailboxes of friends: passed", flush=True)
    finally:
        for process in [one.process for one in people]:
            process.kill()


def mailboxes(node):
    return sum(own["accepted"] for own in node.call("network.info")["mailboxes"])


def contact_mailboxes(node):
    return [contact["mailboxes"] for contact in node.call("contacts.list")["contacts"]]


def states(node, chat):
    return [message["state"] for message in history(node, chat) if message["outgoing"]]


def gone_before(writer, reader, chat, wanted, options, rng, communities):
    """The writer leaves for good before the reader comes, and two of three mailboxes are dead by then."""
    texts = [f"{writer.folder[-3:]} {len(wanted) + n}" for n in range(options.messages)]
    numbers = send(writer, chat, texts)
    # Some are killed while they take it, and come back.
    for _ in range(rng.randrange(3)):
        victim = rng.choice(communities)
        time.sleep(rng.random() * 0.2)
        victim.kill()
        time.sleep(rng.random() * 0.2)
        victim.start()
    for number in numbers:
        writer.result(number)
    began = time.monotonic()
    # Whichever is left later has to have everything: all three have taken it.
    trace = lambda: writer.call("messages.trace", message_id=writer.call(
        "messages.list", chat_id=chat, limit=1)["messages"][-1]["message_id"])
    until("all three mailboxes keep it", lambda: all(
        mailbox["kept"] for device in trace()["devices"] for mailbox in device["mailboxes"]))
    assert set(states(writer, chat)[-options.messages:]) == {"stored"}, "the state tells the truth"
    took = time.monotonic() - began
    writer.kill()
    alive = rng.choice(communities)
    for community in communities:
        if community is not alive:
            community.kill()
    began = time.monotonic()
    reader.start()
    wanted += texts
    until("the reader has everything", lambda: len([m for m in history(reader, chat) if not m["outgoing"]]) >= len(wanted))
    print(f"  {options.messages} left within {took:.2f} s, fetched from the last of three within {time.monotonic() - began:.2f} s", flush=True)
    check(reader, chat, wanted, "who came back")
    back, dead = now(), [community for community in communities if not community.is_on()]
    for community in dead:
        community.start()
    # A queue takes 1,024: what the two still have of this is taken out before more is left there.
    read = lambda community: any(community.is_the(own) and (own["last_read_at"] or "") > back
                                 for own in reader.call("network.info")["mailboxes"])
    until("the reader has emptied the other two", lambda: all(map(read, dead)))


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--messages", type=int, default=100)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--friends", action="store_true")
    options = options.parse_args()
    rng = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="kith-mail-")
    if options.friends:
        try:
            return among_friends(options, folder, rng)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    communities, people = [], []
    try:
        communities = [Community(os.path.join(options.bin, "kith-bootstrap"), f"{folder}/node{n}") for n in range(3)]
        known = [word for community in communities for word in ("--bootstrap", community.address)]
        node = os.path.join(options.bin, "kith-node")
        ann, bob = (Node(node, f"{folder}/{name}", *known) for name in ("ann", "bob"))
        people = [ann, bob]
        for person, name in ((ann, "Ann"), (bob, "Bob")):
            person.call("account.create", name=name)
            until(f"{name} has three mailboxes", lambda p=person: mailboxes(p) == 3)
        print("both have three mailboxes", flush=True)
        link = ann.call("contacts.invite")["link"]
        until("Ann is ready", lambda: all(own["connected"] for own in ann.call("network.info")["mailboxes"]))
        time.sleep(1)
        ann.stop()
        chat = bob.call("contacts.add", link=link, message="while you were away")["chat_id"]
        until("Bob knows where to leave it", lambda: contact_mailboxes(bob) == [3])
        time.sleep(2)
        bob.stop()
        ann.start()
        until("Ann sees the request", lambda: any(c["state"] == "incoming" for c in ann.call("contacts.list")["contacts"]))
        ann.call("contacts.accept", contact_id=ann.call("contacts.list")["contacts"][0]["contact_id"])
        time.sleep(2)
        ann.stop()
        bob.start()
        until("Bob hears that Ann agrees", lambda: all(c["state"] == "accepted" for c in bob.call("contacts.list")["contacts"]))
        print("a link was used while its maker was away, and answered while its user was", flush=True)
        wanted = {"ann": [], "bob": []}
        writer, reader = bob, ann
        for _ in range(options.rounds):
            gone_before(writer, reader, chat, wanted[writer.folder[-3:]], options, rng, communities)
            writer, reader = reader, writer
        # The last writer hears that all of it has arrived, without ever meeting the other.
        until("all mailboxes are back", lambda: all(own["connected"] for own in writer.call("network.info")["mailboxes"]))
        time.sleep(2)
        writer.stop()
        reader.start()
        until("the writer hears of it", lambda: set(states(reader, chat)) <= {"delivered", "read"}, timeout=DEADLINE)
        print("  and the writer hears that all has arrived, though the two never met", flush=True)
        reader.stop()
        print("mailboxes: passed", flush=True)
    finally:
        for process in [one.process for one in communities + people]:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
