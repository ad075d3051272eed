#!/usr/bin/env python3
"""How long it takes until somebody who was away has all that ten people left with three mailboxes.

    tools/backlog.py [--bin DIR] [--people N] [--messages N] [--rounds N]

Real programs over loopback, meant for release builds. Each of the people leaves messages for Bob, who is away, and goes;
then Bob comes back, alone with the three community nodes. Two times are told for each round, both up to the event that
tells the last message, which comes after it is on disk: from the start of the program, and from the moment when it
subscribes at the first mailbox. Every message has to be there once, in the order of its writer.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time

from mailboxes import Community, contact_mailboxes, mailboxes, meet, states
from smoke import Node, history, send, until


class Reader(Node):
    """Remembers when it was first connected with a mailbox: that is when it subscribes."""

    def start(self):
        self.subscribed, self.began = None, time.monotonic()
        super().start()

    def hear(self, event):
        super().hear(event)
        if event["type"] == "network.changed" and self.subscribed is None:
            if any(own["connected"] for own in event["mailboxes"]):
                self.subscribed = time.monotonic()


def leave(person, chat, texts):
    person.start()
    until("there is a way to leave it", lambda: contact_mailboxes(person) == [3])
    before = len(history(person, chat))
    for number in send(person, chat, texts):
        person.result(number)
    until("all is stored", lambda: set(states(person, chat)[-len(texts):]) == {"stored"} and len(history(person, chat)) == before + len(texts))
    person.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/release")
    options.add_argument("--people", type=int, default=10)
    options.add_argument("--messages", type=int, default=1000, help="of each; a queue takes 1,024")
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="kith-backlog-")
    program = os.path.join(options.bin, "kith-node")
    processes = []
    try:
        communities = [Community(os.path.join(options.bin, "kith-bootstrap"), f"{folder}/node{n}") for n in range(3)]
        processes += communities
        known = [word for community in communities for word in ("--bootstrap", community.address)]
        bob = Reader(program, f"{folder}/bob", *known)
        processes.append(bob)
        bob.call("account.create", name="Bob")
        until("Bob has three mailboxes", lambda: mailboxes(bob) == 3)
        people = []
        for number in range(options.people):
            person = Node(program, f"{folder}/person{number}", *known)
            processes.append(person)
            person.call("account.create", name=f"Person {number}")
            until("they have three mailboxes", lambda: mailboxes(person) == 3)
            people.append((person, meet(bob, person), []))
            until("they know where to leave mail", lambda: contact_mailboxes(person) == [3])
            person.stop()
        total = options.people * options.messages
        for turn in range(options.rounds):
            bob.stop()
            for number, (person, chat, wanted) in enumerate(people):
                texts = [f"{turn}: {number} says {n}" for n in range(options.messages)]
                leave(person, chat, texts)
                wanted += texts
            bob.received = []
            bob.start()
            until("Bob has everything", lambda: len(bob.received) >= total)
            print(f"  {total} messages: {bob.at - bob.began:.2f} s from the start of the program,"
                  f" {bob.at - bob.subscribed:.2f} s from subscribing", flush=True)
            chats = {chat["name"]: chat["chat_id"] for chat in bob.call("chats.list")["chats"]}
            for number, (_, _, wanted) in enumerate(people):
                got = [m["text"] for m in history(bob, chats[f"Person {number}"]) if not m["outgoing"]]
                if got != wanted:
                    raise SystemExit(f"of person {number}: {len(got)} of {len(wanted)}, or out of order")
        print("backlog: passed", flush=True)
    finally:
        for one in processes:
            one.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
