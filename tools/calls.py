#!/usr/bin/env python3
"""Real programs call each other over loopback, with a tone for a voice and a pattern for a face.

    tools/calls.py [--bin DIR] [--seconds N] [--scene two|group ...]

Ann and Bob talk and see each other; what each recorded has the other's tone, as loud as it was sent, and the other's
pictures in their order. Then one mutes, a call is declined, somebody is busy, a call is missed, and a device is killed
with -9 in the middle of a call. Frida and Georg tell each other no address: they talk through a community node, through another
one when it is killed with -9, and not at all without one. Five people are in a call of a group, one of whom forwards and is killed
with -9: the recordings of the others say for how long each of them did not hear each other. Needs nothing but Python 3.
"""

import argparse
import math
import os
import shutil
import struct
import sys
import tempfile
import time

from mailboxes import Community, meet
from smoke import Node, history, until

LEVEL = 0.3
BITS, BANDS = 20, 8


class Phone(Node):
    """A device that calls, of a new account."""

    def __init__(self, binary, folder, name, *extra, before=(), hides=False):
        self.calls, self.name = [], name
        super().__init__(binary, folder, "--calls-on-loopback", *extra, before=before)
        self.call("account.create", name=name)
        # They have not compared numbers; without a relay nobody would hear the other.
        self.call("calls.hide_address", **{"from": "everybody" if hides else "nobody"})

    def hear(self, event):
        super().hear(event)
        if event["type"] in ("call.incoming", "call.state"):
            self.calls.append(event)

    def state(self, call):
        told = [event for event in self.calls if event["call_id"] == call]
        return told[-1]["state"] if told else None

    def end(self, call):
        until(f"the call of {self.name} is over", lambda: self.state(call) == "ended")
        return [event for event in self.calls if event["call_id"] == call][-1]["end"]

    def ringing(self, call):
        until(f"it rings at {self.name}'s", lambda: self.state(call) == "incoming")

    def lines(self, chat):
        return [message["call"]["end"] for message in history(self, chat) if message.get("call")]


class Caller(Phone):
    """One whose voice is a tone and whose face is a pattern, and which records what it hears and sees."""

    def __init__(self, binary, folder, name, hertz, *extra, hides=False):
        super().__init__(binary, folder, name, *extra, hides=hides)
        self.hertz = hertz
        self.call("calls.choose", microphone=f"tone:{hertz}", speaker=f"wav:{folder}-heard.wav", camera="pattern:640x360",
                  screen="pattern:1280x720", recording=f"{folder}-seen.y4m")


class Relay(Community):
    """A community node that passes calls on."""

    def __init__(self, binary, folder):
        settings = f"{folder}.toml"
        with open(settings, "w", encoding="utf-8") as file:
            file.write('[turn]\nserve = true\npublic = ["127.0.0.1"]\nlisten = ["127.0.0.1:0"]\nprivate_peers = true\n'
                       "first_port = 20000\nlast_port = 60000\n")
        super().__init__(binary, folder, "--config", settings)


def sound(path):
    """The samples of a WAV file, between -1 and 1."""
    data = open(path, "rb").read()
    begin = data.index(b"data") + 8
    rate, bits = struct.unpack_from("<I", data, 24)[0], struct.unpack_from("<H", data, 34)[0]
    assert rate == 48_000 and bits == 16, (rate, bits)
    count = (len(data) - begin) // 2
    return [sample / 32_768 for sample in struct.unpack_from(f"<{count}h", data, begin)]


def loudness(samples, hertz):
    """How loud a frequency is, as the peaks of a sine of that frequency (Goertzel)."""
    turn = 2 * math.cos(hertz * math.tau / 48_000)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    return 2 * math.sqrt(max(0.0, one * one + two * two - turn * one * two)) / max(1, len(samples))


def seconds_of(samples, hertz):
    """In how many whole seconds of a recording a tone is as loud as it was sent, within 3 dB."""
    parts = [samples[start:start + 48_000] for start in range(0, len(samples) - 48_000, 48_000)]
    return sum(LEVEL / 1.41 < loudness(part, hertz) < LEVEL * 1.41 for part in parts)


def stamps(path):
    """The stamps of the pictures in a Y4M file; nothing for a picture without one."""
    found = []
    with open(path, "rb") as file:
        header = file.readline().split()
        width, height = (int([word[1:] for word in header if word[:1] == side][0]) for side in (b"W", b"H"))
        frame = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        while file.readline().startswith(b"FRAME"):
            data = file.read(frame)
            if len(data) == frame:
                found.append(stamp(data, width, height))
    return found


def stamp(data, width, height):
    def cell(bit, band):
        row, column = (2 * band + 1) * height // (2 * BANDS), (2 * bit + 1) * width // (2 * BITS)
        return data[row * width + column] > 128

    value = 0
    for bit in range(BITS):
        one, other = cell(bit, 0), cell(bit, 1)
        if one == other:
            return None
        value |= one << bit
    return value


def recorded(person, other, seconds):
    """What the person heard and saw of the other."""
    heard = sound(f"{person.folder}-heard.wav")
    clear, echo = seconds_of(heard, other.hertz), seconds_of(heard, person.hertz)
    seen = stamps(f"{person.folder}-seen-camera.y4m")
    readable = [one for one in seen if one is not None]
    print(f"  {person.name}: {clear} s of the other's tone, {len(readable)} of {len(seen)} pictures with a stamp", flush=True)
    if clear < seconds - 3 or echo:
        raise SystemExit(f"{person.name} heard the other's tone in {clear} of {seconds} seconds, the own one in {echo}")
    if readable != sorted(readable) or len(readable) < 5 * seconds or len(readable) < 0.9 * len(seen):
        raise SystemExit(f"{person.name}: pictures are missing, unreadable or out of order")


def live(ann, bob, chat, **media):
    call = ann.call("calls.start", chat_id=chat, **media)["call_id"]
    bob.ringing(call)
    began = time.monotonic()
    bob.call("calls.accept", call_id=call, **media)
    until("both talk", lambda: ann.state(call) == bob.state(call) == "live")
    return call, time.monotonic() - began


def talk(ann, bob, chat, seconds, relayed=False):
    print("a call with pictures", "through a community node" if relayed else "", flush=True)
    call, took = live(ann, bob, chat, video=True)
    print(f"  both hear each other {took:.2f} s after the answer", flush=True)
    time.sleep(seconds)
    for person in (ann, bob):
        legs = person.call("calls.stats", call_id=call)["legs"]
        assert len(legs) == 1 and legs[0]["path"] == "connected" and legs[0]["relayed"] == relayed, legs
        shown = person.call("calls.current")["calls"][0]
        assert shown["relayed"] == shown["address_hidden"] == relayed, shown
        kinds = {track["kind"]: track for track in legs[0]["tracks"]}
        assert kinds["microphone"]["packets"] > 20 * seconds and kinds["camera"]["frames"] > 5 * seconds, kinds
    ann.call("calls.hang_up", call_id=call)
    assert (ann.end(call), bob.end(call)) == ("finished", "finished")
    recorded(ann, bob, seconds), recorded(bob, ann, seconds)
    assert ann.lines(chat)[-1] == bob.lines(chat)[-1] == "finished"


def mute(ann, bob, chat):
    print("one who is muted is not heard", flush=True)
    call, _ = live(ann, bob, chat)
    level = lambda: bob.call("calls.stats", call_id=call)["legs"][0]["speech"]["level"]
    until("Bob hears Ann", lambda: level() > 0.05)
    ann.call("calls.set_media", call_id=call, microphone=False)
    until("Bob hears nothing", lambda: level() < 0.001)
    ann.call("calls.set_media", call_id=call, microphone=True)
    until("Bob hears Ann again", lambda: level() > 0.05)
    ann.call("calls.set_media", call_id=call, screen=True)
    until("Bob sees the screen", lambda: any(
        track["kind"] == "screen" and track["frames"] > 3 for track in bob.call("calls.stats", call_id=call)["legs"][0]["tracks"]))
    bob.call("calls.hang_up", call_id=call)
    assert (ann.end(call), bob.end(call)) == ("finished", "finished")


def refused(ann, bob, carla, chat, other):
    print("declined, busy, missed", flush=True)
    call = ann.call("calls.start", chat_id=chat)["call_id"]
    bob.ringing(call)
    bob.call("calls.hang_up", call_id=call)
    assert (ann.end(call), bob.end(call)) == ("declined", "declined")
    call, _ = live(ann, bob, chat)
    late = carla.call("calls.start", chat_id=other)["call_id"]
    assert carla.end(late) == "busy"
    assert ann.state(call) == bob.state(call) == "live", "the call goes on"
    ann.call("calls.hang_up", call_id=call), bob.end(call)
    call = ann.call("calls.start", chat_id=chat)["call_id"]
    bob.ringing(call)
    ann.call("calls.hang_up", call_id=call)
    assert (ann.end(call), bob.end(call)) == ("cancelled", "missed")
    until("the chat says so", lambda: bob.lines(chat)[-1] == "missed")


def killed(ann, bob, chat):
    print("a device dies in the middle of a call", flush=True)
    call, _ = live(ann, bob, chat)
    began = time.monotonic()
    bob.kill()
    until("Ann notices", lambda: ann.state(call) in ("reconnecting", "ended"), 30)
    took = time.monotonic() - began
    print(f"  Ann notices after {took:.1f} s", flush=True)
    if took > 10:
        raise SystemExit("it took too long")
    bob.start()
    print(f"  and the call is over: {ann.end(call)}", flush=True)
    until("Bob's chat has a line, too", lambda: bob.lines(chat)[-1] in ("interrupted", "lost"))
    call, _ = live(ann, bob, chat)
    ann.call("calls.hang_up", call_id=call)
    assert bob.end(call) == "finished", "and they can call each other again"


def says(person, about):
    """What the doctor finds about something."""
    found = person.call("network.doctor")["findings"]
    return [finding["fact"] for finding in found if finding["about"] == about][0]


def hidden(options, folder, people):
    """Two who tell each other no address: a call with no relay, by one, by another when the first dies."""
    print("without a node that passes calls on", flush=True)
    node = os.path.join(options.bin, "kith-bootstrap")
    plain = Community(node, f"{folder}/plain")
    people.append(plain)
    pair = []
    for name, hertz in (("Frida", 500), ("Georg", 800)):
        pair.append(Caller(os.path.join(options.bin, "kith-node"), f"{folder}/{name.lower()}", name, hertz, "--bootstrap",
                           plain.address, hides=True))
        people.append(pair[-1])
    frida, georg = pair
    chat = meet(frida, georg)
    until("they are connected", lambda: all(c["online"] for c in frida.call("contacts.list")["contacts"]))
    began = time.monotonic()
    call = frida.call("calls.start", chat_id=chat)["call_id"]
    assert frida.end(call) == "no_relay", frida.calls
    took = time.monotonic() - began
    print(f"  Frida is told after {took:.2f} s: {frida.calls[-1]['end_text']}", flush=True)
    assert took < 5 and "no node passes calls on" in frida.calls[-1]["end_text"]
    assert "No node passes calls on" in says(frida, "calls"), says(frida, "calls")

    first = Relay(node, f"{folder}/first")
    people.append(first)
    for person in pair:
        person.call("network.add_bootstrap", address=first.address)
        until("it is known that one node passes calls on", lambda p=person: says(p, "calls").startswith("One community node"))
    talk(frida, georg, chat, options.seconds, relayed=True)

    print("the node that passes a call on dies", flush=True)
    call, took = live(frida, georg, chat)
    second = Relay(node, f"{folder}/second")
    people.append(second)
    for person in pair:
        person.call("network.add_bootstrap", address=second.address)
        until("two nodes pass calls on", lambda p=person: says(p, "calls").startswith("2 "))
    heard = lambda person: person.call("calls.stats", call_id=call)["legs"][0]["speech"]["decoded"]
    began = time.monotonic()
    first.kill()
    until("it is noticed", lambda: frida.state(call) == "reconnecting" or georg.state(call) == "reconnecting", 30)
    print(f"  noticed after {time.monotonic() - began:.1f} s", flush=True)
    until("they hear each other again", lambda: frida.state(call) == georg.state(call) == "live", 60)
    print(f"  they hear each other by another after {time.monotonic() - began:.1f} s", flush=True)
    for person in pair:
        before = heard(person)
        until("sound goes on", lambda p=person, b=before: heard(p) > b + 50)
        assert person.call("calls.current")["calls"][0]["relayed"]
    frida.call("calls.hang_up", call_id=call)
    assert (frida.end(call), georg.end(call)) == ("finished", "finished")
def hears(samples, hertz):
    """For each tenth of a second, whether a tone is in it, also among three others."""
    parts = (samples[start:start + 4_800] for start in range(0, len(samples) - 4_800, 4_800))
    return [loudness(part, hertz) > LEVEL / 3 for part in parts]


def longest_gap(heard):
    """The longest time without, after the first time and before the last, and when it began; in seconds."""
    if True not in heard:
        return math.inf, 0
    first, last = heard.index(True), len(heard) - heard[::-1].index(True)
    longest, gap = (0, 0), 0
    for at, one in enumerate(heard[first:last], first):
        gap = 0 if one else gap + 1
        longest = max(longest, (gap, at - gap + 1))
    return longest[0] / 10, longest[1] / 10


def together(people, seconds):
    print(f"{len(people)} people in a call of a group, and whoever forwards is killed", flush=True)
    first, *others = people
    contacts = [meet(first, other) and other.call("account.info")["account_id"] for other in others]
    group = first.call("groups.create", name="Harbour", members=contacts)
    chat = group["chat_id"]
    known = lambda person: any(one["chat_id"] == chat for one in person.call("chats.list")["chats"])
    until("all are in the group", lambda: all(known(person) for person in others))
    call = first.call("calls.start", chat_id=chat)["call_id"]
    for person in others:
        person.ringing(call)
        person.call("calls.join", call_id=call)
    current = lambda person: next(one for one in person.call("calls.current")["group_calls"] if one["call_id"] == call)
    everybody = lambda some, count: all(
        sum(one["connected"] for one in current(person)["people"]) >= count for person in some)
    until("all hear all", lambda: everybody(people, len(people) - 1))
    until("one forwards", lambda: len({current(person)["forwarder"] for person in people} - {None}) == 1)
    forwarder = current(first)["forwarder"]
    dead = next(person for person in people if person.call("account.info")["device_id"] == forwarder)
    alive = [person for person in people if person is not dead]
    people[1].call("calls.raise_hand", call_id=call)
    until("the hand is seen", lambda: any(one["hand"] for one in current(people[2])["people"]))
    muted = others[-1].call("account.info")["account_id"]
    first.call("calls.mute_member", call_id=call, contact_id=muted)
    until("who is muted is silent", lambda: not current(others[-1])["own"]["microphone"] and current(others[-1])["muted_by"])
    others[-1].call("calls.set_media", call_id=call, microphone=True)
    time.sleep(seconds)
    began = time.monotonic()
    dead.kill()
    until("somebody else forwards, or nobody needs to", lambda: all(current(person)["forwarder"] != forwarder for person in alive))
    print(f"  {dead.name} is killed; all have another plan after {time.monotonic() - began:.2f} s", flush=True)
    time.sleep(max(seconds, 12))
    for person in alive:
        person.call("calls.hang_up", call_id=call)
    for person in alive:
        assert person.end(call) == "finished"
        until(f"the chat of {person.name} says so", lambda: person.lines(chat) == ["finished"])
    worst = 0
    for person in alive:
        heard = sound(f"{person.folder}-heard.wav")
        gaps = {other.name: longest_gap(hears(heard, other.hertz)) for other in alive if other is not person}
        own = sum(hears(heard, person.hertz))
        print(f"  {person.name} did not hear, for at most: " + ", ".join(f"{name} {gap:.1f} s" for name, (gap, _) in gaps.items()), flush=True)
        if os.environ.get("KITH_GAPS"):
            print("   ", {name: at for name, (_, at) in gaps.items()}, {other.name: [n / 10 for n, one in enumerate(hears(heard, other.hertz)) if one][:1] + [n / 10 for n, one in enumerate(hears(heard, other.hertz)) if one][-1:] for other in people})
        if own > 3:
            raise SystemExit(f"{person.name} hears the own voice")
        # Who was muted was silent for a while on purpose.
        worst = max([worst] + [gap for name, (gap, _) in gaps.items() if name != others[-1].name])
        clear = {other.name: sum(hears(heard, other.hertz)) / 10 for other in people if other is not person}
        if min(clear[other.name] for other in alive if other is not person) < 2 * seconds - 3 or clear[dead.name] < seconds - 3:
            raise SystemExit(f"{person.name} heard too little: {clear}")
    if worst > 3:
        raise SystemExit(f"somebody did not hear somebody for {worst} s")


def known_or_meet(one, other):
    """The chat of two, who may have met in the call of a group."""
    account = other.call("account.info")["account_id"]
    chats = [c["chat_id"] for c in one.call("contacts.list")["contacts"] if c["contact_id"] == account]
    return chats[0] if chats else meet(one, other)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--seconds", type=int, default=8)
    options.add_argument("--scene", action="append", choices=("two", "group"))
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="kith-calls-")
    program = os.path.join(options.bin, "kith-node")
    people = []
    try:
        community = Community(os.path.join(options.bin, "kith-bootstrap"), f"{folder}/community")
        people.append(community)
        scenes = options.scene or ["two", "group"]
        voices = (("Ann", 440), ("Bob", 700), ("Carla", 1_000), ("Dora", 1_300), ("Emil", 1_700))
        for name, hertz in voices if "group" in scenes else voices[:3]:
            people.append(Caller(program, f"{folder}/{name.lower()}", name, hertz, "--bootstrap", community.address))
        if "group" in scenes:
            together(people[1:], options.seconds)
        if "two" not in scenes:
            return print("calls: passed", flush=True)
        for person in people[1:]:
            if person.process.poll() is not None:
                person.start()
        _, ann, bob, carla = people[:4]
        chat, other = known_or_meet(ann, bob), known_or_meet(carla, bob)
        until("they are connected", lambda: all(c["online"] for p in (ann, carla) for c in p.call("contacts.list")["contacts"]))
        talk(ann, bob, chat, options.seconds)
        mute(ann, bob, chat)
        refused(ann, bob, carla, chat, other)
        killed(ann, bob, chat)
        hidden(options, folder, people)
        print("calls: passed", flush=True)
    finally:
        for one in people:
            one.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
