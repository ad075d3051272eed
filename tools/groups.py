#!/usr/bin/env python3
"""Groups of real programs: halves that were apart become one, and how fast a message reaches everybody.

    tools/groups.py [--bin DIR] [--scene killed|cut|orphans|many|newcomer ...] [--rounds N] [--people N] [--posts N]

* killed: five people, one of whom knows all others. Two are killed with -9 and the others add, remove and talk; then the
  others are killed and the two do the same. All come back.
* cut: the same on both sides at once, with the cable between them pulled. Needs root and `ip`; without them it says so.
* orphans: whoever made the group and its only admin are killed and their folders deleted; the others talk, add somebody
  and let somebody in by a link, and both read all that was said.
* many: a group of thirty; each message is timed from the request that writes it to the event at every other program.
* newcomer: three people write 10,000 messages, whoever made the group is killed and their folder deleted, and somebody is
  added; timed until they show everything, in the same order as the others.

After each round all members must have the same members, roles and messages in the same order; the time from the healing
until they do is measured. Needs nothing but Python 3.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import nat_lab
import smoke

HEALED_WITHIN = 2.0
CAUGHT_UP_WITHIN = 5.0


class Cable:
    """Two rooms with a switch each and a cable between them; every person has a namespace of their own."""

    def __init__(self, people):
        self.prefix = f"kith{os.getpid()}"
        self.spaces = []
        self.space("hall")
        for side in (0, 1):
            nat_lab.run(*self.enter("hall"), "ip", "link", "add", f"room{side}", "type", "bridge")
            nat_lab.run(*self.enter("hall"), "ip", "link", "set", f"room{side}", "up")
        nat_lab.run(*self.enter("hall"), "ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
        for side, end in enumerate(("left", "right")):
            nat_lab.run(*self.enter("hall"), "ip", "link", "set", end, "master", f"room{side}")
            nat_lab.run(*self.enter("hall"), "ip", "link", "set", end, "up")
        for number, (name, side) in enumerate(people):
            self.space(name)
            nat_lab.run("ip", "-n", self.name("hall"), "link", "add", f"to{number}", "type", "veth", "peer", "name", "eth", "netns", self.name(name))
            nat_lab.run(*self.enter("hall"), "ip", "link", "set", f"to{number}", "master", f"room{side}")
            nat_lab.run(*self.enter("hall"), "ip", "link", "set", f"to{number}", "up")
            nat_lab.run(*self.enter(name), "ip", "addr", "add", f"10.77.0.{number + 1}/24", "dev", "eth")
            nat_lab.run(*self.enter(name), "ip", "link", "set", "eth", "up")

    def space(self, name):
        nat_lab.run("ip", "netns", "add", self.name(name))
        self.spaces.append(name)
        nat_lab.run(*self.enter(name), "ip", "link", "set", "lo", "up")

    def name(self, space):
        return f"{self.prefix}{space}"

    def enter(self, space):
        return ["ip", "netns", "exec", self.name(space)]

    def plug(self, how):
        nat_lab.run(*self.enter("hall"), "ip", "link", "set", "left", how)

    def close(self):
        for name in self.spaces:
            subprocess.run(["ip", "netns", "del", self.name(name)], check=False)


class Person:
    """A program and whose it is."""

    def __init__(self, options, folder, name, before=(), listen="/ip4/127.0.0.1/tcp/0"):
        node = os.path.join(options.bin, "kith-node")
        self.name = name
        self.node = smoke.Node(node, os.path.join(folder, name), "--no-upnp", before=before, listen=listen)
        self.node.call("account.create", name=name)
        self.account = self.node.call("account.info")["account_id"]

    def call(self, method, **params):
        return self.node.call(method, **params)


def befriend(one, other):
    link = []
    smoke.until("there is an address", lambda: link.append(invite(one)) or link[-1])
    other.call("contacts.add", link=link[-1])

    def asked():
        contacts = one.call("contacts.list")["contacts"]
        return any(c["contact_id"] == other.account and c["state"] == "incoming" for c in contacts)

    smoke.until("the request is there", asked)
    one.call("contacts.accept", contact_id=other.account)
    smoke.until("they are friends", lambda: all(c["state"] == "accepted" for c in other.call("contacts.list")["contacts"]))


def invite(person):
    try:
        return person.call("contacts.invite")["link"]
    except RuntimeError:
        return None


def members(person, chat):
    return [(m["contact_id"], m["role"]) for m in person.call("groups.info", chat_id=chat)["members"]]


def everything(person, chat):
    """The group as somebody has it: members with their roles, topic, and all that stands in the chat, in order."""
    info = person.call("groups.info", chat_id=chat)
    roles = [(m["contact_id"], m["role"]) for m in info["members"]]
    return roles, info["topic"], [m["message_id"] for m in smoke.history(person.node, chat)]


def agree(people, chat, texts):
    """Whether all have the same, and every text that was written."""
    first = everything(people[0], chat)
    if any(everything(person, chat) != first for person in people[1:]):
        return False
    return texts <= {m["text"] for m in smoke.history(people[0].node, chat)}


def wait_to_agree(what, people, chat, texts, began, timeout=60):
    try:
        smoke.until(what, lambda: agree(people, chat, texts), timeout)
    except SystemExit:
        for person in people:
            roles, topic, order = everything(person, chat)
            have = {m["text"] for m in smoke.history(person.node, chat)}
            print(f"  {person.name}: {len(roles)} members, topic {topic!r}, {len(order)} entries, lacks {len(texts - have)}", file=sys.stderr)
        raise
    return time.monotonic() - began


def talk(people, chat, what, count, texts):
    for number in range(count):
        for person in people:
            text = f"{what} {person.name} {number}"
            person.call("messages.send", chat_id=chat, text=text)
            texts.add(text)


def is_member(person, account, chat):
    return account in [who for who, _ in members(person, chat)]


def village(options, folder, lab=None, names=("Ann", "Bob", "Carol", "Dave", "Erin")):
    people = []
    for number, name in enumerate(names):
        before = lab.enter(name) if lab else ()
        listen = f"/ip4/10.77.0.{number + 1}/tcp/4000" if lab else "/ip4/127.0.0.1/tcp/0"
        people.append(Person(options, folder, name, before, listen))
    for other in people[1:]:
        befriend(people[0], other)
    return people


def group(people):
    ann = people[0]
    made = ann.call("groups.create", name="harbour", members=[p.account for p in people[1:]], policy={"history": "all"})
    chat = made["chat_id"]
    smoke.until("all know the group", lambda: all(knows(person, chat, len(people)) for person in people))
    return chat


def knows(person, chat, count):
    try:
        return len(members(person, chat)) == count
    except RuntimeError:
        return False


def five(options, folder, lab=None):
    """Ann, who knows all, and Dave, who is an admin and knows Erin, with Bob and Carol in a group in which something was said."""
    people = village(options, folder, lab)
    ann, _, _, dave, erin = people
    befriend(dave, erin)
    chat, texts = group(people), set()
    ann.call("groups.set_role", chat_id=chat, contact_id=dave.account, role="admin")
    talk(people, chat, "before", 3, texts)
    wait_to_agree("all have the same", people, chat, texts, time.monotonic())
    return people, chat, texts


def back_to_five(people, chat, texts):
    """Carol hears that Ann removed her, and is added again."""
    ann, _, carol, _, _ = people
    smoke.until("Carol hears of it", lambda: carol.call("groups.info", chat_id=chat)["state"] == "removed")
    ann.call("groups.add", chat_id=chat, contact_id=carol.account)
    wait_to_agree("Carol is back", people, chat, texts, time.monotonic())


def killed(options, folder):
    """Halves that are killed in turn."""
    people, chat, texts = five(options, folder)
    ann, bob, carol, dave, erin = people
    times = []
    for number in range(options.rounds):
        for person in (dave, erin):
            person.node.kill()
        ann.call("groups.set_profile", chat_id=chat, topic=f"from the left {number}")
        ann.call("groups.remove", chat_id=chat, contact_id=carol.account)
        talk([ann, bob], chat, f"left {number}", 5, texts)
        wait_to_agree("the left half agrees", [ann, bob], chat, texts, time.monotonic())
        for person in (ann, bob, carol):
            person.node.kill()
        for person in (dave, erin):
            person.node.start()
        dave.call("groups.set_profile", chat_id=chat, topic=f"from the right {number}")
        right = set()
        talk([dave, erin], chat, f"right {number}", 5, right)
        wait_to_agree("the right half agrees", [dave, erin], chat, right, time.monotonic())
        texts |= right
        for person in (dave, erin):
            person.node.kill()
        began = time.monotonic()
        for person in people:
            person.node.start()
        there = [ann, bob, dave, erin]
        times.append(wait_to_agree("all four agree", there, chat, texts, began))
        back_to_five(people, chat, texts)
    judge("killed halves, from the start of the programs", times)
    return people


def cut(options, folder):
    """Both halves at once, with the cable between them pulled."""
    names = ("Ann", "Bob", "Carol", "Dave", "Erin")
    lab = Cable([(name, 0 if name in ("Ann", "Bob", "Carol") else 1) for name in names])
    people = []
    try:
        people, chat, texts = five(options, folder, lab)
        ann, bob, carol, dave, erin = people
        times = []
        for number in range(options.rounds):
            lab.plug("down")
            time.sleep(options.apart)
            ann.call("groups.set_profile", chat_id=chat, topic=f"from the left {number}")
            ann.call("groups.remove", chat_id=chat, contact_id=carol.account)
            dave.call("groups.set_profile", chat_id=chat, topic=f"from the right {number}")
            talk([ann, bob], chat, f"left {number}", 5, texts)
            talk([dave, erin], chat, f"right {number}", 5, texts)
            began = time.monotonic()
            lab.plug("up")
            times.append(wait_to_agree("all four agree", [ann, bob, dave, erin], chat, texts, began, 120))
            back_to_five(people, chat, texts)
        judge("cut halves, from the cable", times)
    finally:
        for person in people:
            person.node.kill()
        lab.close()
    return []


def orphans(options, folder):
    """Nobody with any power is left."""
    people, chat, texts = five(options, folder)
    ann, bob, carol, dave, erin = people
    link = bob.call("groups.invite", chat_id=chat)["link"]
    smoke.until("the link is known", lambda: all(len(p.call("groups.info", chat_id=chat)["links"]) == 1 for p in (carol, erin)))
    times = []
    for person in (ann, dave):
        person.node.kill()
        shutil.rmtree(os.path.join(folder, person.name))
    left = [bob, carol, erin]
    talk(left, chat, "without them", 5, texts)
    wait_to_agree("those who are left agree", left, chat, texts, time.monotonic())
    fred, gina = (Person(options, folder, name) for name in ("Fred", "Gina"))
    befriend(carol, fred)
    began = time.monotonic()
    carol.call("groups.add", chat_id=chat, contact_id=fred.account)
    times.append(wait_to_agree("Fred has everything", [*left, fred], chat, texts, began))
    began = time.monotonic()
    gina.call("groups.join", link=link)
    there = [*left, fred, gina]
    smoke.until("Gina is in", lambda: knows(gina, chat, 7))
    times.append(wait_to_agree("Gina has everything", there, chat, texts, began))
    talk(there, chat, "all together", 2, texts)
    wait_to_agree("all who are left agree", there, chat, texts, time.monotonic())
    judge("somebody who is added, and who comes by a link, has all", times)
    return [*people, fred, gina]


def many(options, folder):
    """How long from the request that writes a message until everybody has it."""
    names = [f"P{number:02}" for number in range(options.people)]
    people = village(options, folder, names=names)
    began = time.monotonic()
    chat = group(people)
    print(f"  {len(people)} people know the group after {time.monotonic() - began:.1f} s", flush=True)

    def connected():
        return all(sum(m["online"] for m in p.call("groups.info", chat_id=chat)["members"]) == len(people) for p in people)

    smoke.until("all are connected", connected, 180)
    print(f"  all are connected with all after {time.monotonic() - began:.1f} s", flush=True)
    for person in people:
        person.call("messages.send", chat_id=chat, text=f"hello from {person.name}")
    smoke.until("all have heard all", lambda: all(len(p.node.received) >= len(people) - 1 for p in people), 180)
    samples, last = [], []
    for number in range(options.messages):
        writer = people[number % len(people)]
        text = f"timed {number}"
        for person in people:
            person.node.received.clear()
        start = time.monotonic()
        writer.node.post("messages.send", chat_id=chat, text=text)
        others = [p for p in people if p is not writer]
        times = {}
        while len(times) < len(others):
            for person in others:
                if person.name not in times and any(e.get("text") == text for e in person.node.received):
                    times[person.name] = person.node.at - start
            time.sleep(0.0005)
            if time.monotonic() - start > 60:
                raise SystemExit(f"only {len(times)} of {len(others)} have heard")
        samples += times.values()
        last.append(max(times.values()))
        time.sleep(options.pace)
    samples.sort()
    pick = lambda share: samples[min(len(samples) - 1, int(len(samples) * share))] * 1000
    print(f"  {len(last)} messages to {len(people) - 1} others each: p50 {pick(0.5):.1f} ms, p99 {pick(0.99):.1f} ms, the last one of each p50 {statistics.median(last) * 1000:.1f} ms", flush=True)
    return people


def newcomer(options, folder):
    """Somebody comes to a long history, and whoever made the group is gone for good."""
    people = village(options, folder, names=("Ann", "Bob", "Carol"))
    ann, bob, carol = people
    chat, texts = group(people), set()
    began = time.monotonic()
    # So many requests at once as a program answers while it still listens to the others.
    for first in range(0, options.posts, 50):
        asked = []
        for number in range(first, min(first + 50, options.posts)):
            person, text = people[number % len(people)], f"written before {number}"
            asked.append((person, person.node.post("messages.send", chat_id=chat, text=text)))
            texts.add(text)
        for person, number in asked:
            person.node.result(number)
    wait_to_agree("all have the same", people, chat, texts, time.monotonic(), 600)
    print(f"  {options.posts} messages were written, and are everywhere after {time.monotonic() - began:.1f} s", flush=True)
    ann.node.kill()
    shutil.rmtree(os.path.join(folder, ann.name))
    dave = Person(options, folder, "Dave")
    befriend(bob, dave)
    began = time.monotonic()
    bob.call("groups.add", chat_id=chat, contact_id=dave.account)
    smoke.until("Dave is in", lambda: knows(dave, chat, 4))
    smoke.until("Dave has everything", lambda: len(smoke.history(dave.node, chat)) >= options.posts, 600)
    took = wait_to_agree("Dave, Bob and Carol agree", [bob, carol, dave], chat, texts, began, 600)
    judge("somebody who is added shows all that was said", [took], CAUGHT_UP_WITHIN)
    return [*people, dave]


def judge(what, times, goal=HEALED_WITHIN):
    worst = max(times)
    print(f"  {what}: {', '.join(f'{t:.2f}' for t in times)} s (goal {goal:.0f} s)", flush=True)
    if worst > goal * 5:
        raise SystemExit(f"{what} took {worst:.1f} s")


def possible():
    return os.geteuid() == 0 and shutil.which("ip") and subprocess.run(["ip", "netns", "list"], capture_output=True, check=False).returncode == 0


SCENES = {"killed": killed, "cut": cut, "orphans": orphans, "many": many, "newcomer": newcomer}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="target/debug")
    parser.add_argument("--scene", action="append", choices=list(SCENES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--apart", type=float, default=20.0, help="seconds that a cable stays pulled before anything is done")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--messages", type=int, default=60)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--pace", type=float, default=0.2)
    options = parser.parse_args()
    for scene in options.scene or ["killed"]:
        if scene == "cut" and not possible():
            print("groups, cut: network namespaces need root and ip: left out", flush=True)
            continue
        print(f"groups, {scene}:", flush=True)
        folder = tempfile.mkdtemp(prefix="kith-groups-")
        people = []
        try:
            people = SCENES[scene](options, folder)
        finally:
            for person in people:
                person.node.kill()
            shutil.rmtree(folder, ignore_errors=True)
    print("groups: passed", flush=True)


if __name__ == "__main__":
    sys.exit(main())
