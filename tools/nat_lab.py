#!/usr/bin/env python3
"""Two homes behind routers of their own, a community node on an internet between them, and what people see of it.

    tools/nat_lab.py [--bin DIR] [--rounds N]

Real programs in network namespaces; the routers are the kernel's own address translation. Needs root, `ip` and `nft`;
without them it says so and ends well. Checked and measured:

* routers that keep the port (most homes): the two devices end up connected directly;
* routers that give every destination another port (mobile networks, offices): they talk through the relay;
* the community node is killed and started again: both are back, and what was said meanwhile arrives.
"""

import argparse
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

CONE, SYMMETRIC = "masquerade persistent", "masquerade fully-random"

# Like a router at home: whoever is inside may go out, answers come back, and whatever else comes is dropped silently.
RULES = """
table ip lab {
    chain out { type nat hook postrouting priority srcnat; oifname "wan" %s; }
    chain through { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "lan" accept; }
    chain here { type filter hook input priority 0; policy drop; ct state established,related accept; iifname { "lan", "lo" } accept; }
}
"""


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")


class Lab:
    """The namespaces: `internet`, and a router and a home for each side."""

    def __init__(self):
        self.prefix = f"kith{os.getpid()}"
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
        run(*self.enter(space), *command, **more)

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

    def translate(self, how):
        for router in ("router1", "router2"):
            self.inside(router, "nft", "flush", "ruleset")
            self.inside(router, "nft", "-f", "-", input=RULES % how)

    def close(self):
        for name in self.spaces:
            subprocess.run(["ip", "netns", "del", self.name(name)], check=False)


class Community:
    """The community node, which can be killed and started again on the same folder and ports."""

    def __init__(self, lab, binary, folder):
        self.command = [*lab.enter("internet"), binary, "--data", folder, "--log", "warn"]
        for place in ("tcp/4001", "udp/4001/quic-v1"):
            self.command += ["--listen", f"/ip4/198.51.100.1/{place}"]
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


def judge(what, times, limit):
    shown = ", ".join(f"{seconds:.2f}" for seconds in times)
    print(f"  {what}: {shown} s (at most {limit:g})", flush=True)
    return [] if max(times) <= limit else [what]


def scenario(lab, options, folder, how, wanted):
    lab.translate(how)
    community = Community(lab, os.path.join(options.bin, "kith-bootstrap"), f"{folder}/community")
    processes = [community]
    try:
        binary = os.path.join(options.bin, "kith-node")
        more = ["--no-upnp", "--bootstrap", community.address]
        if options.log:
            more += ["--log", options.log]
        ann, bob = (
            smoke.Node(binary, f"{folder}/{name}", *more, before=lab.enter(f"home{side}"), listen=None)
            for side, name in ((1, "ann"), (2, "bob")))
        processes += [ann, bob]
        ann.call("account.create", name="Ann"), bob.call("account.create", name="Bob")
        smoke.until("Ann can be reached", lambda: joined(ann), 20)
        start = time.monotonic()
        chat = smoke.befriend(ann, bob)
        print(f"  friends after {since(start):.2f} s", flush=True)
        met = [meet(ann, bob, chat, wanted, number) for number in range(options.rounds)]
        online, delivered, there = zip(*met)
        failed = []
        if wanted == "direct":
            failed += judge("from the start of a device to a direct connection", there, DIRECT_WITHIN)
        else:
            failed += judge("from the start of a device to a message through the relay", delivered, RELAYED_WITHIN)
            smoke.until("both know that nobody can dial them", lambda: all(
                node.call("network.info")["nat"] == "private" for node in (ann, bob)), 40)
            back = [restart(community, ann, bob, chat, number) for number in range(options.rounds)]
            failed += judge("from the death of the community node to everything being as before", back, BACK_WITHIN)
        ann.stop(), bob.stop()
        return failed
    finally:
        for process in processes:
            process.process.kill()
            process.process.wait()


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
    options = options.parse_args()
    reason = possible()
    if reason:
        print(f"the NAT lab was skipped: {reason}")
        return 0
    folder = tempfile.mkdtemp(prefix="kith-nat-")
    lab = Lab()
    failed = []
    try:
        print("routers that keep the port", flush=True)
        failed += scenario(lab, options, f"{folder}/cone", CONE, "direct")
        print("routers that give every destination another port", flush=True)
        failed += scenario(lab, options, f"{folder}/symmetric", SYMMETRIC, "relayed")
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("NAT lab failed: " + "; ".join(failed) if failed else "NAT lab passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
