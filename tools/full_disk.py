#!/usr/bin/env python3
"""Disks that fill up to the last byte: what was promised is there, and it goes on once there is room.

    tools/full_disk.py [--bin DIR] [--messages N]

Real programs over loopback; the community node's folder is on a small disk of its own (tmpfs in a mount namespace, so it
needs root; without, it says so and ends well). Bob is away. Ann writes, and something else fills the disk meanwhile, to
the last byte; the node is killed with -9 and started on the full disk. Checked:

* what Ann was told is stored, Bob has after Ann left for good; he has nothing twice and everything in order;
* on a full disk the node says what is wrong, whether it runs on or ends;
* with room again it takes the rest.

Then the disk of a person's own node is full while they write: what the node confirmed is there when it starts again.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from mailboxes import Community, contact_mailboxes, mailboxes, meet
from smoke import Node, check, history, send, skipped, until

DISK = "96m"
FULL = "no room left on the disk"
INSIDE = "KITH_FULL_DISK_INSIDE"


def possible():
    """Why this cannot be tried here; nothing if it can."""
    if os.geteuid() != 0:
        return "it needs root"
    if not shutil.which("unshare"):
        return "it needs unshare"
    done = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.PIPE, text=True, check=False)
    return f"mount namespaces are not allowed here ({done.stderr.strip()})" if done.returncode else None


def fill(path):
    """Writes until the disk takes no single byte more. Returns how many it took."""
    with open(path, "wb", buffering=0) as file:
        size, block = 0, 1 << 20
        while block:
            try:
                size += file.write(bytes(block))
            except OSError:
                block //= 2
        return size


def start(community):
    """Starts the node on whatever disk it has. Returns whether it runs, and what it said."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(community.command, stdout=subprocess.PIPE, stderr=said, text=True)
        first = process.stdout.readline()
        if first:
            community.process = process
            return True, ""
        process.wait()
        said.seek(0)
        return False, said.read().strip()


def stored(node, chat):
    return [m["text"] for m in history(node, chat) if m["outgoing"] and m["state"] == "stored"]


def own_disk(options, folder, disk):
    """Carla writes to somebody who never answers, until her disk is full."""
    program = os.path.join(options.bin, "kith-node")
    dave, carla = Node(program, f"{folder}/dave"), Node(program, f"{disk}/carla")
    try:
        dave.call("account.create", name="Dave"), carla.call("account.create", name="Carla")
        chat = meet(dave, carla)
        dave.stop()
        numbers = send(carla, chat, [f"draft {n} " + "." * 2_000 for n in range(options.messages)])
        confirmed, reason = [carla.result(number)["message_id"] for number in numbers[:10]], ""
        fill(f"{disk}/something else")
        numbers = numbers[10:] + send(carla, chat, [f"more {n} " + "." * 2_000 for n in range(options.messages)])
        try:
            for number in numbers:
                confirmed.append(carla.result(number)["message_id"])
        except RuntimeError as error:
            reason = str(error)
        carla.process.wait(60)
        until("everything it said is read", lambda: carla.ended)
        print(f"  {len(confirmed)} messages were confirmed, then the node said: {reason}", flush=True)
        if not reason or FULL not in carla.failed:
            raise SystemExit(f"a node whose disk is full does not say so: {carla.failed}")
        carla.kill()
        os.remove(f"{disk}/something else")
        carla.start()
        there = {m["message_id"] for m in history(carla, chat)}
        if not there.issuperset(confirmed):
            raise SystemExit(f"{len(set(confirmed) - there)} messages that were confirmed are gone")
    finally:
        for one in (dave, carla):
            one.process.kill()


def mailbox_disk(options, folder, disk):
    program = os.path.join(options.bin, "kith-node")
    community = Community(os.path.join(options.bin, "kith-bootstrap"), f"{disk}/community")
    ann, bob = (Node(program, f"{folder}/{name}", "--bootstrap", community.address) for name in ("ann", "bob"))
    try:
        ann.call("account.create", name="Ann"), bob.call("account.create", name="Bob")
        until("both have a mailbox", lambda: mailboxes(ann) == 1 and mailboxes(bob) == 1)
        chat = meet(ann, bob)
        until("Ann knows where to leave mail", lambda: contact_mailboxes(ann) == [1])
        bob.stop()
        texts = [f"message {n} " + "." * 2_000 for n in range(options.messages)]
        half = options.messages // 2
        for number in send(ann, chat, texts[:half]):
            ann.result(number)
        until("half is stored", lambda: len(stored(ann, chat)) == half)
        numbers = send(ann, chat, texts[half:])
        took = fill(f"{disk}/something else")
        for number in numbers:
            ann.result(number)
        time.sleep(3)
        print(f"  the disk is full ({took >> 20} MiB of something else); {len(stored(ann, chat))} of {len(texts)} are stored,"
              f" the node {'runs' if community.is_on() else 'has ended'}", flush=True)
        if community.is_on():
            community.kill()
        fill(f"{disk}/the rest")
        runs, said = start(community)
        print(f"  started on the full disk it {'runs' if runs else 'says: ' + said}", flush=True)
        if not runs and FULL not in said:
            raise SystemExit("a node that cannot start on a full disk does not say that the disk is full")
        if runs:
            community.kill()
        promised = stored(ann, chat)
        for name in ("something else", "the rest"):
            os.remove(f"{disk}/{name}")
        ann.kill()
        community.start()
        bob.start()
        until("Bob has what was promised", lambda: len(history(bob, chat)) >= len(promised))
        check(bob, chat, texts[:len(history(bob, chat))], "Bob")
        print(f"  {len(promised)} were promised, Bob has {len(history(bob, chat))} after Ann has left", flush=True)
        bob.stop()
        ann.start()
        until("the rest is stored", lambda: all(m["state"] != "queued" for m in history(ann, chat) if m["outgoing"]), 240)
        ann.stop()
        bob.start()
        until("Bob has everything", lambda: len(history(bob, chat)) >= len(texts))
        check(bob, chat, texts, "Bob")
    finally:
        for one in (ann, bob, community):
            one.process.kill()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--messages", type=int, default=400)
    options = options.parse_args()
    reason = possible()
    if reason:
        return skipped("the full disk", reason)
    if INSIDE not in os.environ:
        inside = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        return subprocess.run(inside, env={**os.environ, INSIDE: "1"}, check=False).returncode
    folder = tempfile.mkdtemp(prefix="kith-full-")
    try:
        disk = f"{folder}/disk"
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", disk], check=True)
        print("a mailbox whose disk is full", flush=True)
        mailbox_disk(options, folder, disk)
        shutil.rmtree(f"{disk}/community")
        print("a person whose disk is full", flush=True)
        own_disk(options, folder, disk)
    finally:
        subprocess.run(["umount", f"{folder}/disk"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    print("full disk: passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
