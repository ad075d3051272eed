#!/usr/bin/env python3
"""js-libp2p, in Node and in a browser, and go-libp2p against a community node: identify, ping and Kademlia over TCP, QUIC, WebSocket and WebRTC.

    tools/interop.sh [--bin DIR]

Kademlia is four things: whom the node knows near a key (another js-libp2p peer, which serves the same DHT, has to be
among them), a record that a person's program has published is found, a record that is not one of ours is not kept,
and whoever brings twenty of those is refused for a while. In the end two people find each other through the same node.
Prints a table and ends with 1 when anything in it failed.
"""

import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from peers import KAD, BrowserPeer, GoPeer, JsPeer  # noqa: E402
from smoke import Node, befriend, send, until  # noqa: E402

TRANSPORTS = {"TCP": r"/tcp/\d+$", "QUIC": r"/quic-v1$", "WebSocket": r"/ws$",
              "webrtc-direct": r"/webrtc-direct/certhash/u[\w-]+$"}

# Which the other does not have.
MISSING = {(GoPeer.name, "webrtc-direct"), (BrowserPeer.name, "TCP"), (BrowserPeer.name, "QUIC")}

# What a community node says that it speaks, as far as others have to know it.
SPOKEN = {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", KAD, "/kith/dm/1", "/kith/mbx/1", "/libp2p/circuit/relay/0.2.0/hop"}

# Of which our records are: /kith/d/ and 32 bytes in base32.
OUR_KEY = re.compile(rb"/kith/d/[a-z2-7]{52}")

# Records that are not valid after which a peer is refused: `misdeeds` in crates/net/src/config.rs.
MISDEEDS = 20

COLUMNS = ["identify", "ping", "closest peers", "our record found", "foreign record refused"]


class Community:
    """The community node, where it listens, by transport, and what it counts."""

    def __init__(self, binary, folder):
        command = [binary, "--data", f"{folder}/node", "--http", "127.0.0.1:0", "--log", "warn,libp2p=error"]
        for place in ("tcp/0", "udp/0/quic-v1", "tcp/0/ws", "udp/0/webrtc-direct"):
            command += ["--listen", f"/ip4/127.0.0.1/{place}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.places, self.page = {}, None
        while not self.page or len(self.places) < len(TRANSPORTS):
            what, _, told = self.process.stdout.readline().strip().partition(": ")
            if not what:
                raise SystemExit("the community node did not start")
            if what == "status page":
                self.page = told
            elif what == "address":
                place, self.peer = told.split("/p2p/")
                self.places.update({name: place for name, form in TRANSPORTS.items() if re.search(form, place)})

    def address(self, transport):
        return f"{self.places[transport]}/p2p/{self.peer}"

    def refused(self):
        """How many records it has refused."""
        with urllib.request.urlopen(f"{self.page}metrics", timeout=20) as page:
            return int(re.search(r"^kith_dht_records_refused_total (\d+)$", page.read().decode(), re.M).group(1))


def family(pid):
    """A process and those that it has started: browsers have one for the network."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        started = [open(f"/proc/{pid}/task/{thread}/children", encoding="ascii").read() for thread in threads]
    except OSError:
        return []  # ended meanwhile
    return [pid, *(one for children in started for child in children.split() for one in family(int(child)))]


def files(pid):
    """What a process has open."""
    try:
        for entry in os.listdir(f"/proc/{pid}/fd"):
            try:
                yield os.readlink(f"/proc/{pid}/fd/{entry}")
            except OSError:
                pass  # closed meanwhile
    except OSError:
        pass  # ended meanwhile


def is_end_of(process, observed, place):
    """Whether an address is that of a socket of this process or one it started, connected to the place (UDP sockets are to nobody)."""
    kind, port = re.match(r"/ip4/127\.0\.0\.1/(tcp|udp)/(\d+)", observed).groups()
    far = ":%04X" % int(re.search(r"/(?:tcp|udp)/(\d+)", place).group(1))
    inodes = {inode for pid in family(process.pid) for inode in files(pid)}
    # A socket for UDP may be one for both families.
    for table in (kind, kind + "6"):
        with open(f"/proc/{process.pid}/net/{table}", encoding="ascii") as rows:
            for row in list(rows)[1:]:
                words = row.split()
                mine = words[1].endswith(f":{int(port):04X}") and f"socket:[{words[9]}]" in inodes
                if mine and (kind == "udp" or words[2].endswith(far)):
                    return True
    return False


def check_identify(peer, community, transport):
    told = peer.connect(community.address(transport))
    missing = SPOKEN - set(told["protocols"])
    if missing:
        raise AssertionError(f"not spoken: {', '.join(sorted(missing))}")
    if told["agent"] != "kith":
        raise AssertionError(f"the agent is {told['agent']}")
    # Some libraries add the peer to its address.
    listens = {place.split("/p2p/")[0] for place in told["listens"]}
    if listens != set(community.places.values()):
        raise AssertionError(f"listens at {listens}")
    if not is_end_of(peer.process, told["observed"], community.places[transport]):
        raise AssertionError(f"{told['observed']} is not where the peer is")
    return f"{len(told['protocols'])} protocols"


def check_closest(peer, served):
    name, place = served.split("/p2p/")[1], served.split("/p2p/")[0]
    found = {known["id"]: known["addresses"] for known in peer.closest(secrets.token_bytes(32))}
    if not any(address.startswith(place) for address in found.get(name, [])):
        raise AssertionError(f"the other server is not among {found}")
    return f"{len(found)} known"


def check_found(peer, record, judge):
    """The peer finds what the judge finds; whose it is may renew it meanwhile."""
    before = judge.get(record)
    found = peer.get(record)
    if found is None or found not in (before, judge.get(record)):
        raise AssertionError("it is not found, or another one")
    return f"{len(found)} bytes"


def check_refused(peer, community, judge):
    """A record with a key like ours and another one: neither is there afterwards, whoever asks, and both are counted."""
    before = community.refused()
    alphabet = b"abcdefghijklmnopqrstuvwxyz234567"
    ours = b"/kith/d/" + bytes(secrets.choice(alphabet) for _ in range(51)) + b"a"
    for key in (ours, b"/kith/x/" + secrets.token_hex(8).encode()):
        if not peer.put(key, secrets.token_bytes(200)):
            raise AssertionError("the node was not asked to keep it")
        if judge.get(key) is not None:
            raise AssertionError("the node keeps what nobody signed")
    until("they are counted", lambda: community.refused() == before + 2, 20)
    return "not kept, counted"


def check_counted(cache, folder, community):
    """Twenty of them, and the peer is no longer wanted; others are."""
    peer = GoPeer(cache, folder)
    try:
        peer.connect(community.address("TCP"))
        for _ in range(MISDEEDS - 1):
            peer.put(b"/kith/d/" + b"a" * 52, b"not a record")
        peer.ping()
        try:
            peer.put(b"/kith/d/" + b"a" * 52, b"not a record")
        except (RuntimeError, OSError, EOFError):
            pass  # the connection may be gone before the answer
        until("whoever brings twenty is refused", lambda: not answers(peer, community), 20)
    finally:
        stop(peer.process)


def answers(peer, community):
    try:
        peer.connect(community.address("TCP"))
        return peer.ping() > 0
    except (RuntimeError, OSError, EOFError):
        return False


def stop(process):
    process.kill()
    process.wait()


def people_meet(binary, folder, community):
    """Two who know nothing but a link and the node: one moves, and is found by what the DHT says."""
    known = ["--bootstrap", community.address("TCP")]
    cat, dan = (Node(binary, f"{folder}/{name}", *known) for name in ("cat", "dan"))
    try:
        for person, name in ((cat, "Cat"), (dan, "Dan")):
            person.call("account.create", name=name)
            until("a node is connected", lambda p=person: p.call("network.info")["bootstraps_connected"] > 0)
        chat = befriend(cat, dan)
        cat.stop()
        os.remove(f"{folder}/cat/ports")
        cat.start()
        for number in send(dan, chat, ["still there?"]):
            dan.result(number)
        until("Cat has it", lambda: any(event.get("text") == "still there?" for event in cat.received) or
              any(m["text"] == "still there?" for m in cat.call("messages.list", chat_id=chat, limit=9)["messages"]))
    finally:
        stop(cat.process), stop(dan.process)


def row(peer, transport, community, served, record, judge):
    """One line of the table: what was seen, or what went wrong."""
    checks = [
        lambda: check_identify(peer, community, transport),
        lambda: f"{peer.ping():.1f} ms",
        lambda: check_closest(peer, served),
        lambda: check_found(peer, record, judge),
        lambda: check_refused(peer, community, judge),
    ]
    cells = []
    for name, check in zip(COLUMNS, checks):
        try:
            cells.append(check())
        except (Exception, SystemExit) as error:  # whatever it is, the table says so and the next is tried
            print(f"{peer.name}, {transport}, {name}: {type(error).__name__}: {error}", file=sys.stderr)
            cells.append("FAILED")
    return cells


def table(rows):
    rows = [["peer", "transport", *COLUMNS], *rows]
    widths = [max(len(line[n]) for line in rows) for n in range(len(rows[0]))]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--cache", required=True)
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="kith-interop-")
    node = os.path.join(options.bin, "kith-node")
    running, rows, good = [], [], True
    try:
        community = Community(os.path.join(options.bin, "kith-bootstrap"), folder)
        running.append(community)
        # A DHT server of another make, to which people's programs bring their records as well.
        server = JsPeer(options.cache, folder, "server")
        running.append(server)
        server.connect(community.address("TCP"))
        (served,) = server.addresses()
        judge = GoPeer(options.cache, folder)
        running.append(judge)
        judge.connect(community.address("TCP"))
        until("the node knows the other server", lambda: judge.closest(secrets.token_bytes(32)), 20)
        ann = Node(node, f"{folder}/ann", "--bootstrap", community.address("QUIC"))
        running.append(ann)
        ann.call("account.create", name="Ann")
        keys = lambda: [key for key in server.brought() if OUR_KEY.fullmatch(key)]
        until("a person's record reaches js-libp2p", keys, 60)
        record = keys()[0]
        until("the same record is at the node", lambda: judge.get(record) is not None, 60)
        print(f"a person's program brought {len(keys())} record(s) to js-libp2p, which it found by way of the node")
        kinds = [JsPeer, GoPeer]
        if BrowserPeer.program():
            kinds.append(BrowserPeer)
        else:
            print(f"no browser was tried: none of {', '.join(BrowserPeer.PROGRAMS)} is installed")
        for kind in kinds:
            for transport in TRANSPORTS:
                if (kind.name, transport) in MISSING:
                    rows.append([kind.name, transport, *["not built in"] + [""] * 4])
                    continue
                peer = kind(options.cache, folder)
                running.append(peer)
                if kind is BrowserPeer:
                    print(f"the browser: {peer.agent}")
                rows.append([kind.name, transport, *row(peer, transport, community, served, record, judge)])
        table(rows)
        check_counted(options.cache, folder, community)
        print(f"a peer that brought {MISDEEDS} records that nobody signed is refused")
        people_meet(node, folder, community)
        print("two people still find each other through the node")
        good = not any("FAILED" in line for line in rows) and community.process.poll() is None
        print("interop: passed" if good else "interop: FAILED")
    finally:
        for one in running:
            stop(one.process)
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
