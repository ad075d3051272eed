#!/usr/bin/env python3
"""What a device costs that only waits: one friend, and three community nodes as mailboxes and relays.

    tools/idle.py [--bin DIR] [--seconds N] [--limit BYTES] [--table] [--udp]

Real programs in network namespaces, two homes behind routers as in tools/nat_lab.py (root, `ip` and `nft`; without them it
says so and ends well). Once both have settled, the bytes of the kernel at Ann's only cable, both directions with all headers,
and the node's own counters are read over the time given. With --table every packet is looked at, too: bytes for each
connection and each size, and from that what each cause takes. With --udp nobody listens over TCP, so everything is QUIC.
"""

import argparse
import collections
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import nat_lab
import smoke

NODES = 3
SETTLED = 45


class Node(nat_lab.Community):
    """One of several community nodes on the internet."""

    def __init__(self, lab, binary, folder, number, udp):
        ip = f"198.51.100.{number}"
        if number > 1:
            lab.inside("internet", "ip", "addr", "add", f"{ip}/24", "dev", "bridge")
        self.command = [*lab.enter("internet"), binary, "--data", folder, "--http", "off", "--log", "warn"]
        for place in ["udp/4001/quic-v1"] + ([] if udp else ["tcp/4001"]):
            self.command += ["--listen", f"/ip4/{ip}/{place}"]
        self.start()


class Watcher:
    """Looks at every packet on one cable, from a process inside its namespace."""

    LOOK = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth', 0))\n"
        "out = sys.stdout.buffer\n"
        "while True:\n"
        "    p = s.recv(65535)\n"
        "    out.write(len(p).to_bytes(4, 'big') + p[:64].ljust(64, b'\\0')); out.flush()\n"
    )

    def __init__(self, lab, space):
        self.process = subprocess.Popen([*lab.enter(space), sys.executable, "-c", self.LOOK], stdout=subprocess.PIPE)
        self.seen = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while len(head := self.process.stdout.read(68)) == 68:
            self.seen.append((time.monotonic(), int.from_bytes(head[:4], "big"), head[4:]))

    def stop(self):
        self.process.kill()
        self.process.wait()


def packet(frame):
    """The connection that a packet belongs to, its direction, and whether it carries anything."""
    if frame[12:14] != b"\x08\x00":
        return ("not IPv4", "", True)
    header = (frame[14] & 15) * 4
    total, protocol = struct.unpack("!H", frame[16:18])[0], frame[23]
    source, target = (socket.inet_ntoa(frame[at:at + 4]) for at in (26, 30))
    at = 14 + header
    if protocol not in (6, 17):
        return (f"protocol {protocol}", "", True)
    out = source.startswith("192.168.")
    ports = struct.unpack("!HH", frame[at:at + 4])
    carries = total - header - ((frame[at + 12] >> 4) * 4 if protocol == 6 else 8)
    other, port = (target, ports[1]) if out else (source, ports[0])
    return (f"{'tcp' if protocol == 6 else 'udp'} {other}:{port}", "out" if out else "in", carries)


def table(seen, seconds):
    flows = collections.defaultdict(collections.Counter)
    for _, size, frame in seen:
        flow, direction, carries = packet(frame)
        flows[flow][(direction, size if carries else f"{size} (bare)")] += 1
    size_of = lambda key: int(str(key[1]).split()[0])
    total = lambda counts: sum(size_of(key) * number for key, number in counts.items())
    for flow, counts in sorted(flows.items(), key=lambda item: -total(item[1])):
        print(f"  {flow}: {total(counts) / seconds:.0f} bytes/s")
        for key, number in counts.most_common(12):
            print(f"      {number:>5} x {key[0]:>3} {key[1]}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--seconds", type=int, default=120)
    options.add_argument("--limit", type=float, default=200)
    options.add_argument("--table", action="store_true")
    options.add_argument("--udp", action="store_true")
    options = options.parse_args()
    reason = nat_lab.possible()
    if reason:
        return smoke.skipped("idle", reason)
    folder = tempfile.mkdtemp(prefix="kith-idle-")
    lab = nat_lab.Lab()
    processes = []
    try:
        lab.translate("keeps the port", "keeps the port")
        binary = os.path.join(options.bin, "kith-bootstrap")
        nodes = []
        for number in range(1, NODES + 1):
            nodes.append(Node(lab, binary, f"{folder}/node{number}", number, options.udp))
            # At once: should the next one not start, this one is ended all the same.
            processes.append(nodes[-1])
        people = []
        for side, name in ((1, "ann"), (2, "bob")):
            more = ["--no-upnp", "--listen", "/ip4/0.0.0.0/udp/4101/quic-v1"]
            more += [] if options.udp else ["--listen", "/ip4/0.0.0.0/tcp/4101"]
            for node in nodes:
                more += ["--bootstrap", node.address]
            node = smoke.Node(os.path.join(options.bin, "kith-node"), f"{folder}/{name}", *more,
                              before=lab.enter(f"home{side}"), listen=None)
            processes.append(node)
            people.append(node)
            node.call("account.create", name=name.title())
        ann, bob = people
        smoke.until("both can be reached", lambda: all(nat_lab.joined(node) for node in people), 30)
        smoke.befriend(ann, bob)
        kept = lambda node: sum(1 for box in node.call("mailboxes.list")["mailboxes"] if box["accepted"])
        smoke.until("both have three mailboxes", lambda: all(kept(node) == NODES for node in people), 60)
        smoke.until("they are connected directly", lambda: nat_lab.path(ann) == "direct", 30)
        time.sleep(SETTLED)
        return measure(lab, options, ann)
    finally:
        for process in processes:
            process.process.kill()
            process.process.wait()
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)


def measure(lab, options, ann):
    def kernel():
        lines = lab.inside("home1", "cat", "/proc/net/dev").splitlines()
        fields = next(line for line in lines if line.strip().startswith("eth:")).split(":")[1].split()
        return int(fields[0]) + int(fields[8])

    def own():
        net = ann.call("node.stats")["net"]
        return net.get("wire_in", 0) + net.get("wire_out", 0)

    watcher = Watcher(lab, "home1") if options.table else None
    before, begin = (kernel(), own()), time.monotonic()
    time.sleep(options.seconds)
    seconds = time.monotonic() - begin
    wire, counted = ((now - then) / seconds for now, then in zip((kernel(), own()), before))
    print(f"idle for {seconds:.0f} s, one friend and {NODES} community nodes as mailboxes, both directions together:")
    print(f"  the kernel, with all headers: {wire:.0f} bytes/s (at most {options.limit:g})")
    print(f"  the node's own counters: {counted:.0f} bytes/s", flush=True)
    if watcher:
        watcher.stop()
        table(watcher.seen, seconds)
    return 0 if wire <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
