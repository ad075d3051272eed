#!/usr/bin/env python3
"""Two real programs call each other through a real sound server, and speak like people.

    tools/sound.py [--bin DIR] [--seconds N]

Each has a microphone and a speaker at a PulseAudio of this script's own. What one says has to come out of the other's
speaker; when a speaker stands beside its microphone, who speaks must not hear herself. Says so and ends where
PulseAudio (pulseaudio, pacat, parec) is not installed.
"""

import argparse
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from calls import Phone
from calls import live
from mailboxes import Community, meet
from smoke import until

RATE = 48_000
STEP = RATE // 100
TOOLS = ("pulseaudio", "pacat", "pactl", "parec")


class Machine:
    """A sound server with a microphone ("NAME_voice.monitor") and a speaker ("NAME_ears") for each name."""

    def __init__(self, folder, names):
        os.makedirs(folder)
        self.socket = f"{folder}/pulse.sock"
        self.env = dict(os.environ, PULSE_SERVER=f"unix:{self.socket}", HOME=folder, XDG_RUNTIME_DIR=folder)
        sinks = [f"module-null-sink sink_name={name}_{what} rate={RATE} channels=1" for name in names for what in ("voice", "ears")]
        protocol = f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}"
        load = [word for module in [*sinks, protocol] for word in ("-L", module)]
        fixed = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        self.process = subprocess.Popen([*fixed, *load], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the sound server is there", lambda: os.path.exists(self.socket))

    def run(self, *command):
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout

    def beside(self, speaker, microphone):
        """Puts a speaker beside a microphone, until the answer is taken away with `apart`."""
        words = f"source={speaker}.monitor sink={microphone} latency_msec=30 channels=1 rate={RATE}".split()
        return self.run("pactl", "load-module", "module-loopback", *words).strip()

    def apart(self, module):
        self.run("pactl", "unload-module", module)

    def say(self, microphone, samples):
        raw = struct.pack(f"<{len(samples)}h", *(round(sample * 32_767) for sample in samples))
        subprocess.run(["pacat", "--playback", "-d", microphone, *FORMAT], env=self.env, input=raw, check=True)

    def listen(self, speaker):
        return Listener(self, speaker)


FORMAT = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"]


class Listener:
    """Records what a speaker plays while it lasts."""

    def __init__(self, machine, speaker):
        self.file = tempfile.TemporaryFile()
        command = ["parec", "-d", f"{speaker}.monitor", *FORMAT]
        self.process = subprocess.Popen(command, env=machine.env, stdout=self.file)

    def __enter__(self):
        until("something is recorded", lambda: os.fstat(self.file.fileno()).st_size > 0)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.file.seek(0)
        data = self.file.read()
        self.heard = [sample / 32_768 for sample in struct.unpack(f"<{len(data) // 2}h", data[:len(data) // 2 * 2])]


def speech(seconds, seed):
    """Something like a voice: vowels of a gliding pitch in syllables with pauses between words."""
    chance = random.Random(seed)
    samples, phase = [], 0.0
    while len(samples) < seconds * RATE:
        for _ in range(chance.randint(2, 4)):
            begin, end = chance.uniform(100, 180), chance.uniform(100, 180)
            formants = [(chance.uniform(300, 800), 80), (chance.uniform(900, 2_200), 120), (chance.uniform(2_300, 3_000), 160)]
            tones = range(1, 25)
            middle = (begin + end) / 2
            loud = [sum(1 / (1 + ((tone * middle - place) / width) ** 2) for place, width in formants) for tone in tones]
            scale = 0.5 / sum(loud)
            length = int(chance.uniform(0.12, 0.25) * RATE)
            for at in range(length):
                phase += (begin + (end - begin) * at / length) / RATE
                swell = math.sin(math.pi * at / length) ** 2 * scale
                samples.append(swell * sum(level * math.sin(math.tau * tone * phase) for tone, level in zip(tones, loud)))
        samples += [0.0] * int(chance.uniform(0.15, 0.4) * RATE)
    return samples[:int(seconds * RATE)]


def swells(samples):
    """How loud each hundredth of a second is."""
    return [math.sqrt(sum(sample * sample for sample in samples[at:at + STEP]) / STEP) for at in range(0, len(samples) - STEP, STEP)]


def loudness(samples):
    return 10 * math.log10(1e-10 + sum(sample * sample for sample in samples) / max(1, len(samples)))


def alike(said, heard):
    """How well the course of what was heard follows what was said, -1 to 1, and by how many hundredths of a second later."""
    said, heard = swells(said), swells(heard)

    def at(lag):
        pairs = list(zip(said, heard[lag:]))
        if len(pairs) < len(said) // 2:
            return -1.0
        one, other = (sum(values) / len(pairs) for values in zip(*pairs))
        both = sum((a - one) * (b - other) for a, b in pairs)
        return both / math.sqrt(1e-20 + sum((a - one) ** 2 for a, _ in pairs) * sum((b - other) ** 2 for _, b in pairs))

    return max((at(lag), lag) for lag in range(0, 300))


class Person(Phone):
    """One with a microphone and a speaker at the sound server."""

    def __init__(self, binary, folder, name, machine, *extra):
        before = ("env", f"PULSE_SERVER=unix:{machine.socket}")
        super().__init__(binary, f"{folder}/{name}", name.capitalize(), *extra, before=before)
        self.call("calls.choose", microphone=f"device:{name}_voice.monitor", speaker=f"device:{name}_ears")


def talk(machine, who, other, said):
    """What comes out of both speakers while one speaks."""
    with machine.listen(f"{other}_ears") as there, machine.listen(f"{who}_ears") as here:
        machine.say(f"{who}_voice", said)
        time.sleep(1)
    return there.heard, here.heard


def rehearse(machine, ann, said):
    """Ann hears herself, two seconds later."""
    assert ann.call("calls.test", enabled=True)["running"]
    with machine.listen("ann_ears") as here:
        machine.say("ann_voice", said)
        time.sleep(3)
    likeness, lag = alike(said, here.heard)
    lacking = ann.call("calls.test")["lacking"]
    print(f"  Ann hears herself {10 * lag} ms later, course alike {likeness:.2f}", flush=True)
    if likeness < 0.6 or lag < 200 or any(lacking.values()):
        raise SystemExit("the call to oneself does not tell how one is heard")
    assert not ann.call("calls.test", enabled=False)["running"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--seconds", type=int, default=8)
    options = options.parse_args()
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"sound: not tried, {', '.join(missing)} not installed")
        return
    folder = tempfile.mkdtemp(prefix="kith-sound-")
    program = os.path.join(options.bin, "kith-node")
    running = []
    try:
        machine = Machine(f"{folder}/machine", ("ann", "bob"))
        running.append(machine)
        community = Community(os.path.join(options.bin, "kith-bootstrap"), f"{folder}/community")
        running.append(community)
        people = [Person(program, folder, name, machine, "--bootstrap", community.address) for name in ("ann", "bob")]
        running += people
        ann, bob = people
        chat = meet(ann, bob)
        until("they are connected", lambda: all(c["online"] for c in ann.call("contacts.list")["contacts"]))
        call, _ = live(ann, bob, chat)
        for who, other, seed in (("ann", "bob", 1), ("bob", "ann", 2)):
            said = speech(options.seconds, seed)
            there, here = talk(machine, who, other, said)
            likeness, lag = alike(said, there)
            print(f"  {who} speaks: {loudness(said):.0f} dB, comes at {loudness(there):.0f} dB {10 * lag} ms later (the recorder's start "
                  f"included), course alike {likeness:.2f}; the own speaker {loudness(here):.0f} dB", flush=True)
            if likeness < 0.6 or abs(loudness(there) - loudness(said)) > 12 or loudness(here) > loudness(there) - 25:
                raise SystemExit(f"what {who} says does not come out of {other}'s speaker as it should")
        module = machine.beside("bob_ears", "bob_voice")
        # The canceller learns from what is said first.
        talk(machine, "ann", "bob", speech(4, 3))
        said = speech(options.seconds, 4)
        for _ in range(3):
            there, here = talk(machine, "ann", "bob", said)
            print(f"  Bob's speaker stands beside his microphone: {loudness(there):.0f} dB there, Ann hears herself at {loudness(here):.0f} dB", flush=True)
            # A machine that has no time lets the sound server lose a block; then it learns anew where the echo is.
            if loudness(here) < loudness(there) - 20:
                break
        else:
            raise SystemExit("Ann hears herself")
        machine.apart(module)
        ann.call("calls.hang_up", call_id=call)
        until("it is over", lambda: bob.state(call) == "ended")
        until("microphones and speakers are free again", lambda: not machine.run("pactl", "list", "short", "source-outputs").strip()
              and not machine.run("pactl", "list", "short", "sink-inputs").strip())
        # Short enough to be over when it comes back: who speaks while something is played is turned down.
        rehearse(machine, ann, speech(1.8, 5))
        print("sound: passed", flush=True)
    finally:
        for one in running:
            one.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
