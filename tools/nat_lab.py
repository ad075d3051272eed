#!/usr/bin/env python3
"""Two homes behind routers of their own, a community node on an internet between them, and what people see of it.

    tools/nat_lab.py [--bin DIR] [--rounds N] [--patience FACTOR] [--scene cone|symmetric|forwarded|pairs|calls ...]

Real programs in network namespaces; the routers are the kernel's own address translation. Needs root, `ip` and `nft`;
without them it says so and ends well. Checked and measured:

* routers that keep the port (most homes): the two devices end up connected directly; one moves to another address and
  is back; and what a device that only waits costs;
* routers that give every destination another port (mobile networks, offices): they talk through the relay;
* the community node is killed and started again: both are back, and what was said meanwhile arrives;
* a router that forwards a port: the device learns that it can be reached;
* each kind of router with each other kind, one that lets no UDP out among them, as a table;
* calls: direct between routers that keep the port, through the community node (TURN) between those that do not and for people who
  hide their address; and what is said where no UDP gets out.

The limits are those of a quiet machine; `--patience 3` multiplies them where other work runs beside it.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import smoke

DIRECT_WITHIN = 3.0
RELAYED_WITHIN = 2.0
BACK_WITHIN = 10.0
MOVED_WITHIN = 5.0
IDLE_BYTES = 200
IDLE_SECONDS = 30
# Long enough for all tries to find a direct path where there is none.
HOPELESS_SECONDS = 10

CONE, SYMMETRIC = "masquerade persistent", "masquerade fully-random"

# Like a router at home: whoever is inside may go out, answers come back, and whatever else comes is dropped silently.
RULES = """
table ip lab {
    chain out { type nat hook postrouting priority srcnat; oifname "wan" %s; }
    chain into { type nat hook prerouting priority dstnat; %s }
    chain through { type filter hook forward priority 0; policy drop; %s ct state established,related accept; ct status dnat accept; iifname "lan" accept; }
    chain here { type filter hook input priority 0; policy drop; ct state established,related accept; iifname { "lan", "lo" } accept; }
}
"""


FORWARDED = """iifname "wan" tcp dport 4101 dnat to 192.168.%(side)d.2; iifname "wan" udp dport 4101 dnat to 192.168.%(side)d.2;"""
NO_UDP = "meta l4proto udp drop;"

# What each kind of router does: how it translates, what it lets in, what it does not let through.
KINDS = {
    "forwards a port": (CONE, FORWARDED, ""),
    "keeps the port": (CONE, "", ""),
    "another port each time": (SYMMETRIC, "", ""),
    "no UDP": (CONE, "", NO_UDP),
}


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


class Lab:
    """The namespaces: `internet`, and a router and a home for each side. One for each scene: routers remember."""

    made = itertools.count()

    def __init__(self):
        self.prefix = f"kith{os.getpid()}n{next(self.made)}"
        self.spaces = []
        for name in ("internet", "router1", "home1", "router2", "home2"):
            run("ip", "netns", "add", self.name(name))
            self.spaces.append(name)
            self.inside(name, "ip", "link", "set", "lo", "up")
        self.inside("internet", "ip", "link", "add", "bridge", "type", "bridge")
        self.inside("internet", "ip", "addr", "add", "198.51.100.1/24", "dev", "bridge")
        self.inside("internet", "ip", "link", "set", "bridge", "up")
        for side in (1, 2):
            self.home(side)

    def name(self, space):
        return f"{self.prefix}{space}"

    def enter(self, space):
        return ["ip", "netns", "exec", self.name(space)]

    def inside(self, space, *command, **more):
        return run(*self.enter(space), *command, **more)

    def cable(self, one, one_end, other, other_end):
        run("ip", "-n", self.name(one), "link", "add", one_end, "type", "veth", "peer", "name", other_end, "netns", self.name(other))
        self.inside(one, "ip", "link", "set", one_end, "up")
        self.inside(other, "ip", "link", "set", other_end, "up")

    def home(self, side):
        router, home = f"router{side}", f"home{side}"
        self.cable("internet", f"to{side}", router, "wan")
        self.inside("internet", "ip", "link", "set", f"to{side}", "master", "bridge")
        self.inside(router, "ip", "addr", "add", f"198.51.100.{10 + side}/24", "dev", "wan")
        self.cable(router, "lan", home, "eth")
        self.inside(router, "ip", "addr", "add", f"192.168.{side}.1/24", "dev", "lan")
        self.inside(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.inside(home, "ip", "addr", "add", f"192.168.{side}.2/24", "dev", "eth")
        self.inside(home, "ip", "route", "add", "default", "via", f"192.168.{side}.1")

    def translate(self, *kinds):
        for side, kind in enumerate(kinds, 1):
            how, into, never = KINDS[kind]
            self.inside(f"router{side}", "nft", "flush", "ruleset")
            self.inside(f"router{side}", "nft", "-f", "-", input=RULES % (how, into % {"side": side}, never))

    def move(self, side, old, new):
        """The device in a home gets another address, as after a change of network."""
        home = f"home{side}"
        self.inside(home, "ip", "addr", "del", f"192.168.{side}.{old}/24", "dev", "eth")
        self.inside(home, "ip", "addr", "add", f"192.168.{side}.{new}/24", "dev", "eth")
        self.inside(home, "ip", "route", "replace", "default", "via", f"192.168.{side}.1")

    def sent(self, space, link):
        return json.loads(self.inside(space, "ip", "-s", "-j", "link", "show", link))[0]["stats64"]["tx"]["bytes"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in self.spaces:
            subprocess.run(["ip", "netns", "del", self.name(name)], check=False)


class Community:
    """The community node, which can be killed and started again on the same folder and ports."""

    def __init__(self, lab, binary, folder):
        self.command = [*lab.enter("internet"), binary, "--data", folder, "--http", "off", "--log", "warn"]
        for place in ("tcp/4001", "udp/4001/quic-v1"):
            self.command += ["--listen", f"/ip4/198.51.100.1/{place}"]
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        # The internet of the lab is made of addresses that the world has not.
        with open(f"{folder}.toml", "w", encoding="utf-8") as file:
            file.write('[turn]\nserve = true\npublic = ["198.51.100.1"]\nprivate_peers = true\n')
        self.command += ["--config", f"{folder}.toml"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("address: ")

    def kill(self):
        self.process.kill()
        self.process.wait()


def path(node):
    contacts = node.call("contacts.list")["contacts"]
    return contacts[0]["path"] if contacts else None


def since(start):
    return time.monotonic() - start


def joined(node):
    info = node.call("network.info")
    return info["bootstraps_connected"] > 0 and any("p2p-circuit" in place for place in info["listen"])


def meet(ann, bob, chat, wanted, number):
    """Bob comes back; how long until both see each other, a message is delivered, and the path is the wanted one?"""
    bob.stop()
    start = time.monotonic()
    bob.start()
    smoke.until("both are online", lambda: path(ann) and path(bob), 30)
    online = since(start)
    text = f"hello again {number}"
    ann.call("messages.send", chat_id=chat, text=text)
    smoke.until("it is delivered", lambda: any(m["text"] == text for m in smoke.history(bob, chat)), 30)
    delivered = since(start)
    smoke.until(f"the path is {wanted}", lambda: path(ann) == wanted and path(bob) == wanted, 30)
    return online, delivered, since(start)


def restart(community, ann, bob, chat, number):
    """The community node dies in the middle of a conversation."""
    start = time.monotonic()
    community.kill()
    text = f"said into the void {number}"
    ann.call("messages.send", chat_id=chat, text=text)
    community.start()
    smoke.until("it arrives", lambda: any(m["text"] == text for m in smoke.history(bob, chat)), 60)
    smoke.until("both are back", lambda: path(ann) and path(bob), 60)
    return since(start)


def moved(lab, ann, bob, chat, number):
    """Bob's device gets another address in the middle of a conversation."""
    start = time.monotonic()
    lab.move(2, 2 + number, 3 + number)
    text = f"are you still there {number}"
    ann.call("messages.send", chat_id=chat, text=text)
    smoke.until("it arrives", lambda: any(m["text"] == text for m in smoke.history(bob, chat)), 60)
    return since(start)


def judge(options, what, times, limit, unit="s"):
    limit *= options.patience if unit == "s" else 1
    shown = ", ".join(f"{value:.2f}" for value in times)
    print(f"  {what}: {shown} {unit} (at most {limit:g})", flush=True)
    return [] if max(times) <= limit else [what]


class Scene:
    """A community node and two people, one in each home."""

    def __init__(self, lab, options, folder, *kinds):
        self.lab, self.options = lab, options
        lab.translate(*kinds)
        self.community = Community(lab, os.path.join(options.bin, "kith-bootstrap"), f"{folder}/community")
        self.processes = [self.community]
        self.ann, self.bob = (self.person(f"{folder}/{name}", side) for side, name in ((1, "ann"), (2, "bob")))
        self.ann.call("account.create", name="Ann"), self.bob.call("account.create", name="Bob")
        smoke.until("both can be reached", lambda: joined(self.ann) and joined(self.bob), 20)
        start = time.monotonic()
        self.chat = smoke.befriend(self.ann, self.bob)
        print(f"  friends after {since(start):.2f} s", flush=True)

    def person(self, folder, side):
        more = ["--no-upnp", "--bootstrap", self.community.address]
        more += ["--listen", "/ip4/0.0.0.0/tcp/4101", "--listen", "/ip4/0.0.0.0/udp/4101/quic-v1"]
        more += ["--log", self.options.log] if self.options.log else []
        binary = os.path.join(self.options.bin, "kith-node")
        node = smoke.Node(binary, folder, *more, before=self.lab.enter(f"home{side}"), listen=None)
        self.processes.append(node)
        return node

    def meetings(self, wanted):
        rounds = range(self.options.rounds)
        return zip(*[meet(self.ann, self.bob, self.chat, wanted, number) for number in rounds])

    def nat(self, *wanted):
        def told():
            return [node.call("network.info")["nat"] for node in (self.ann, self.bob)]
        smoke.until(f"they know that they are {' and '.join(wanted)}", lambda: told() == list(wanted), 40)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.process.kill()
            process.process.wait()


def cone(options, folder):
    print("routers that keep the port", flush=True)
    with Lab() as lab, Scene(lab, options, folder, "keeps the port", "keeps the port") as scene:
        _, _, direct = scene.meetings("direct")
        failed = judge(options, "from the start of a device to a direct connection", direct, DIRECT_WITHIN)
        scene.nat("private", "private")
        time.sleep(6)  # the relayed connection goes
        before = lab.sent("home1", "eth")
        time.sleep(IDLE_SECONDS)
        idle = (lab.sent("home1", "eth") - before) / IDLE_SECONDS
        failed += judge(options, "a device that waits, with a friend and a community node, sends", [idle], IDLE_BYTES, "bytes/s")
        times = [moved(lab, scene.ann, scene.bob, scene.chat, number) for number in range(options.rounds)]
        lab.move(2, 2 + options.rounds, 2)
        return failed + judge(options, "from another address to a message", times, MOVED_WITHIN)


def symmetric(options, folder):
    print("routers that give every destination another port", flush=True)
    with Lab() as lab, Scene(lab, options, folder, "another port each time", "another port each time") as scene:
        _, delivered, _ = scene.meetings("relayed")
        failed = judge(options, "from the start of a device to a message through the relay", delivered, RELAYED_WITHIN)
        scene.nat("private", "private")
        times = [restart(scene.community, scene.ann, scene.bob, scene.chat, number) for number in range(options.rounds)]
        return failed + judge(options, "from the death of the community node to everything being as before", times, BACK_WITHIN)


def forwarded(options, folder):
    print("a router that forwards a port, and one that gives every destination another", flush=True)
    with Lab() as lab, Scene(lab, options, folder, "forwards a port", "another port each time") as scene:
        scene.nat("public", "private")
        external = scene.ann.call("network.info")["external"]
        if not any(place.startswith("/ip4/198.51.100.11/") for place in external):
            raise SystemExit(f"Ann does not tell the forwarded port: {external}")
        _, _, direct = scene.meetings("direct")
        return judge(options, "from the start of a device to a direct connection", direct, DIRECT_WITHIN)


def pair(lab, options, folder, kinds):
    """Two kinds of routers: the path at the end, and how long a message and that path took."""
    with Scene(lab, options, folder, *kinds) as scene:
        forwarding = [node for node, kind in zip((scene.ann, scene.bob), kinds) if kind == "forwards a port"]
        smoke.until("they know their port", lambda: all(n.call("network.info")["nat"] == "public" for n in forwarding), 40)
        if "another port each time" in kinds and not forwarding:
            _, delivered, _ = meet(scene.ann, scene.bob, scene.chat, "relayed", 0)
            time.sleep(HOPELESS_SECONDS)
            found = path(scene.ann)
            return found, delivered, delivered, found == "relayed"
        _, delivered, settled = meet(scene.ann, scene.bob, scene.chat, "direct", 0)
        return "direct", delivered, settled, True


def pairs(options, folder):
    print("each kind of router with each other", flush=True)
    failed, rows = [], []
    for number, kinds in enumerate(itertools.combinations_with_replacement(KINDS, 2)):
        with Lab() as lab:
            found, delivered, settled, right = pair(lab, options, f"{folder}/{number}", kinds)
        limit = options.patience * (DIRECT_WITHIN if found == "direct" else RELAYED_WITHIN)
        rows.append(f"  | {kinds[0]} | {kinds[1]} | {found} | {delivered:.2f} s | {settled:.2f} s |")
        print(rows[-1], flush=True)
        failed += [] if right and settled <= limit else [" and ".join(kinds)]
    print("\n  | one router | the other | path | first message | path found |\n  |---|---|---|---|---|")
    print("\n".join(rows), flush=True)
    return failed


def talked(scene, hide):
    """A call between Ann and Bob: whether it went through a relay, and after how long both heard each other; or how it ended."""
    ann, bob, chat = scene.ann, scene.bob, scene.chat
    for person in (ann, bob):
        person.call("calls.choose", microphone="tone:440", speaker="none", camera="none", screen="none")
        person.call("calls.hide_address", **{"from": hide})
    call = ann.call("calls.start", chat_id=chat)["call_id"]
    state = lambda person: next((c["state"] for c in person.call("calls.current")["calls"] if c["call_id"] == call), "ended")
    smoke.until("it rings", lambda: state(bob) == "incoming", 30)
    start = time.monotonic()
    bob.call("calls.accept", call_id=call)
    smoke.until("they talk or it is over", lambda: state(ann) == state(bob) == "live" or "ended" in (state(ann), state(bob)), 90)
    took = since(start)
    if "ended" in (state(ann), state(bob)):
        return "no call: " + ann.call("calls.list")["calls"][0]["call"]["end"], took
    # A direct way may be found a moment after one by a relay, and the other way round nothing changes.
    time.sleep(3)
    hears = lambda person: person.call("calls.stats", call_id=call)["legs"][0]["speech"]["level"] > 0.05
    smoke.until("they hear each other", lambda: hears(ann) and hears(bob), 20)
    relayed = any(person.call("calls.stats", call_id=call)["legs"][0]["relayed"] for person in (ann, bob))
    ann.call("calls.hang_up", call_id=call)
    smoke.until("it is over", lambda: state(ann) == state(bob) == "ended", 20)
    return "relayed" if relayed else "direct", took


def calls(options, folder):
    print("calls", flush=True)
    failed = []
    for number, (kind, wanted) in enumerate((("keeps the port", "direct"), ("another port each time", "relayed"),
                                             ("no UDP", "no call: no_connection"))):
        with Lab() as lab, Scene(lab, options, f"{folder}/{number}", kind, kind) as scene:
            smoke.until("a node passes calls on", lambda: all(
                "passes calls on" in finding["fact"] and finding["severity"] == "good"
                for person in (scene.ann, scene.bob) for finding in person.call("network.doctor")["findings"]
                if finding["about"] == "calls"), 20)
            found, took = talked(scene, "nobody")
            print(f"  {kind}: {found} after {took:.2f} s", flush=True)
            failed += [] if found == wanted else [f"a call where each {kind}: {found}"]
            if kind == "no UDP":
                continue
            found, took = talked(scene, "everybody")
            print(f"  {kind}, addresses hidden: {found} after {took:.2f} s", flush=True)
            failed += [] if found == "relayed" else [f"a call with hidden addresses where each {kind}: {found}"]
    return failed


def possible():
    """Why the lab cannot be set up here; nothing if it can."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = [tool for tool in ("ip", "nft", "sysctl") if not shutil.which(tool)]
    if missing:
        return f"it needs {' and '.join(missing)}"
    try:
        run("unshare", "--net", "--mount", "true")
    except RuntimeError as error:
        return f"network namespaces are not allowed here ({error})"
    return None


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--log")
    options.add_argument("--scene", nargs="*", default=["cone", "symmetric", "forwarded", "pairs", "calls"])
    options.add_argument("--patience", type=float, default=1.0, help="multiplies the limits of time")
    options = options.parse_args()
    reason = possible()
    if reason:
        return smoke.skipped("the NAT lab", reason)
    folder = tempfile.mkdtemp(prefix="kith-nat-")
    failed = []
    try:
        for scene in (cone, symmetric, forwarded, pairs, calls):
            if scene.__name__ in options.scene:
                failed += scene(options, f"{folder}/{scene.__name__}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("NAT lab failed: " + "; ".join(failed) if failed else "NAT lab passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
