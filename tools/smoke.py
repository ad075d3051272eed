#!/usr/bin/env python3
"""Runs the real programs over loopback and checks what people rely on.

    tools/smoke.py [--bin DIR] [--messages N] [--kills N] [--bootstrap-only]

Two `kith-node rpc` processes and a `kith-bootstrap`, each with a folder of its own: they add each other, exchange
messages in both directions at once, are killed in the middle and started again. Every message must arrive exactly
once, in order, and end as delivered. Needs nothing but Python 3.
"""

import argparse
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE = 120.0


def skipped(what, reason):
    """Says what cannot run here. Where nothing may be left out (NO_SKIPS is set, as in CI), that is a failure."""
    print(f"{what} was skipped: {reason}", flush=True)
    return 1 if os.environ.get("NO_SKIPS") else 0


class Node:
    """One `kith-node rpc` process that can be killed and started again on the same folder."""

    def __init__(self, binary, folder, *extra, before=(), listen="/ip4/127.0.0.1/tcp/0"):
        places = ["--listen", listen] if listen else []
        self.command = [*before, binary, "--data", folder, "--no-mdns", *places, *extra, "rpc"]
        self.folder = folder
        self.received = []
        self.states = {}
        self.failed = ""
        self.at = 0.0
        self.next_id = 1
        self.answers = {}
        self.changed = threading.Condition()
        self.process = None
        self.ended = False
        self.start()

    def start(self):
        self.answers = {}
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ended = False  # after it: the former process's reader may be at its end only now
        self.outbox = queue.Queue()
        threading.Thread(target=self._write, args=(self.process, self.outbox), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _write(self, process, outbox):
        try:
            while True:
                lines = [outbox.get()]
                while not outbox.empty():
                    lines.append(outbox.get())
                if lines[-1] is None:
                    process.stdin.close()
                    return
                process.stdin.write(b"".join(lines))
                process.stdin.flush()
        except (BrokenPipeError, OSError):
            pass

    def _read(self, process):
        for line in process.stdout:
            try:
                value = json.loads(line)
            except ValueError:
                continue  # a line cut off by kill -9
            with self.changed:
                if "id" in value:
                    self.answers[value["id"]] = value
                else:
                    self.hear(value["params"])
                self.changed.notify_all()
        with self.changed:
            if process is self.process:
                self.ended = True
                self.changed.notify_all()

    def hear(self, event):
        if event["type"] == "message.received":
            self.at = time.monotonic()
            self.received.append(event)
        elif event["type"] == "message.state":
            self.states[event["message_id"]] = event["state"]
        elif event["type"] == "node.failed":
            self.failed = event["message"]

    def post(self, method, **params):
        with self.changed:
            number = self.next_id
            self.next_id += 1
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.outbox.put(json.dumps(request).encode() + b"\n")
        return number

    def result(self, number, timeout=DEADLINE):
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers or self.ended, timeout):
                raise SystemExit(f"{self.folder}: no answer to request {number}")
            if number not in self.answers:
                raise RuntimeError(f"the program ended before it answered: {self.failed}")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def call(self, method, **params):
        return self.result(self.post(method, **params))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.outbox.put(None)
        self.process.wait(20)


def until(what, check, timeout=DEADLINE):
    end = time.monotonic() + timeout
    while not check():
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting until {what}")
        time.sleep(0.02)


def history(node, chat):
    """All messages of a chat, oldest first."""
    found, before = [], None
    while True:
        page = node.call("messages.list", chat_id=chat, limit=1000, **({"before": before} if before else {}))["messages"]
        if not page:
            return found
        found = page + found
        before = page[0]["message_id"]


def befriend(ann, bob):
    def invite():
        try:
            return ann.call("contacts.invite")["link"]
        except RuntimeError:
            return None

    links = []
    until("Ann has an address", lambda: links.append(invite()) or links[-1])
    added = bob.call("contacts.add", link=links[-1], message="it is Bob")
    until("Ann sees the request", lambda: any(c["state"] == "incoming" for c in ann.call("contacts.list")["contacts"]))
    asker = [c for c in ann.call("contacts.list")["contacts"] if c["state"] == "incoming"][0]
    ann.call("contacts.accept", contact_id=asker["contact_id"])
    until("Bob is accepted", lambda: all(c["state"] == "accepted" for c in bob.call("contacts.list")["contacts"]))
    return added["chat_id"]


def send(node, chat, texts):
    return [node.post("messages.send", chat_id=chat, text=text) for text in texts]


def check(node, chat, wanted, who):
    """Exactly the wanted texts came from the other side, in order."""
    got = [m["text"] for m in history(node, chat) if not m["outgoing"]]
    if got != wanted:
        missing, extra = set(wanted) - set(got), len(got) - len(set(got))
        raise SystemExit(f"{who}: {len(got)} of {len(wanted)}, {len(missing)} missing, {extra} twice, or out of order")


def delivered(node, chat, count):
    mine = [m for m in history(node, chat) if m["outgoing"]]
    return len(mine) == count and all(m["state"] in ("delivered", "read") for m in mine)


def traffic(ann, bob, chat, count):
    start = time.monotonic()
    texts = {"ann": [f"ann {n}" for n in range(count)], "bob": [f"bob {n}" for n in range(count)]}
    sent = [(ann, n) for n in send(ann, chat, texts["ann"])] + [(bob, n) for n in send(bob, chat, texts["bob"])]
    for node, number in sent:
        node.result(number)
    until("all is delivered", lambda: delivered(ann, chat, count) and delivered(bob, chat, count))
    took = time.monotonic() - start
    check(bob, chat, texts["ann"], "Bob")
    check(ann, chat, texts["bob"], "Ann")
    print(f"  {count} messages each way: {took:.2f} s, {2 * count / took:.0f} messages/s", flush=True)
    return texts


def kills(ann, bob, chat, rounds, texts, rng):
    people = {"ann": (ann, bob), "bob": (bob, ann)}
    for number in range(rounds):
        pending = []
        for who, (node, _) in people.items():
            for n in range(20):
                text = f"{who} round {number} message {n}"
                pending.append((who, text, node, node.post("messages.send", chat_id=chat, text=text)))
        time.sleep(rng.random() * 0.15)
        victim = rng.choice(["ann", "bob"])
        node = people[victim][0]
        node.kill()
        node.start()
        for who, text, sender, request in pending:
            # What was answered is promised; what was not may or may not be there.
            if sender is not node:
                sender.result(request)
    until("nothing waits any more", lambda: all(
        all(m["state"] in ("delivered", "read") for m in history(node, chat) if m["outgoing"])
        for node, _ in people.values()), timeout=DEADLINE)
    for who, (node, other) in people.items():
        mine = [m["text"] for m in history(node, chat) if m["outgoing"]]
        check(other, chat, mine, f"the other side of {who}")
    print(f"  {rounds} times kill -9 under traffic: nothing lost, nothing twice", flush=True)


def absent(ann, bob, chat):
    bob.stop()
    texts = [f"while you were away {n}" for n in range(500)]
    for number in send(ann, chat, texts):
        ann.result(number)
    before = [m["text"] for m in history(ann, chat) if m["outgoing"]]
    bob.start()
    ann.stop()
    ann.start()
    until("the absent one has everything", lambda: len([m for m in history(bob, chat) if not m["outgoing"]]) == len(before))
    check(bob, chat, before, "Bob, back again")
    print("  500 messages to somebody who was away, then the sender restarts too: all there", flush=True)


def repeat(simulator, record):
    """Everything that Ann's node did, kill -9 included, happens again from its record, commit by commit."""
    done = subprocess.run([simulator, "record", record], stdout=subprocess.PIPE, text=True, check=False)
    counts = json.loads(done.stdout or "{}")
    if done.returncode or counts.get("commits", 0) < 10 or counts["different"]:
        raise SystemExit(f"the record could not be repeated: {counts}")
    print(f"  a record of {counts['inputs']} inputs and {counts['starts']} starts repeats {counts['commits']} commits", flush=True)


def leaks(folder, words):
    for root, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(root, name), "rb") as file:
                data = file.read()
            for word in words:
                if word in data:
                    raise SystemExit(f"{name} shows {word!r}")
    print("  the data folders show no name, text or account", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    node = os.path.join(options.bin, "kith-node")
    server = os.path.join(options.bin, "kith-bootstrap")
    folder = tempfile.mkdtemp(prefix="kith-smoke-")
    processes = []
    try:
        boot = subprocess.Popen(
            [server, "--data", folder + "/boot", "--listen", "/ip4/127.0.0.1/tcp/0", "--http", "off"],
            stdout=subprocess.PIPE, text=True)
        processes.append(boot)
        address = boot.stdout.readline().strip().removeprefix("address: ")
        print("bootstrap", address, flush=True)
        record = folder + "/ann.record"
        ann, bob = Node(node, folder + "/ann", "--record", record), Node(node, folder + "/bob")
        processes += [ann.process, bob.process]
        accounts = [ann.call("account.create", name="Annabella"), bob.call("account.create", name="Robertino")]
        start = time.monotonic()
        chat = befriend(ann, bob)
        print(f"two nodes are friends after {time.monotonic() - start:.2f} s", flush=True)
        texts = traffic(ann, bob, chat, options.messages)
        kills(ann, bob, chat, options.kills, texts, random.Random(options.seed))
        absent(ann, bob, chat)
        ann.stop(), bob.stop()
        repeat(os.path.join(options.bin, "kith-sim"), record)
        words = [b"Annabella", b"Robertino", b"message 7", b"while you were"]
        words += [account["account_id"].encode() for account in accounts]
        leaks(folder + "/ann", words), leaks(folder + "/bob", words)
        # The link holder knows the inviter only through the bootstrap node: the inviter moves to another port.
        cat, dan = (Node(node, folder + name, "--bootstrap", address) for name in ("/cat", "/dan"))
        cat.call("account.create", name="Cat"), dan.call("account.create", name="Dan")
        until("Cat has a bootstrap node", lambda: cat.call("network.info")["bootstraps_connected"] > 0)
        link = cat.call("contacts.invite")["link"]
        cat.stop()
        os.remove(folder + "/cat/ports")
        cat.start()
        dan.call("contacts.add", link=link)
        until("Cat sees Dan", lambda: any(c["state"] == "incoming" for c in cat.call("contacts.list")["contacts"]))
        print("  an invite works through the bootstrap node after the inviter moved", flush=True)
        cat.stop(), dan.stop()
        print("smoke test passed", flush=True)
    finally:
        for process in processes:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
