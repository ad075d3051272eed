#!/usr/bin/env python3
"""A real browser is the other end of a call.

    tools/browser.py [--bin DIR] [--seconds N] [--browser PROGRAM]

Ann is a kith-node as it is. Bob's node lets a page carry its calls (tools/browser/call.html): headless Chromium with a
file for a microphone and one for a camera, standard WebRTC, and the node's API over WebSocket. Each calls the other.
Ann's recording must have the browser's tone and its pictures in order; the browser must hear Ann's tone and decode her
pictures, whose stamps it reads. Then the browser dies in the middle of a call. Tried with Chromium 156.0.8078.79; not
tried, and said so, where there is no Chromium.
"""

import argparse
import http.server
import json
import math
import os
import queue
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types

from calls import BANDS, BITS, LEVEL, Caller, recorded
from mailboxes import Community, meet
from smoke import Node, until

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HERTZ = 880
SIZE, FRAMES, RATE = (320, 180), 300, 20


class Daemon(Node):
    """A node that serves its API over a socket and over WebSocket."""

    def start(self):
        self.answers = {}
        run = [word for word in self.command if word != "rpc"] + ["run", "--websocket", "127.0.0.1:0"]
        self.program = subprocess.Popen(run, stdout=subprocess.PIPE, text=True)
        said = [self.program.stdout.readline(), self.program.stdout.readline()]
        address = next(word for line in said for word in line.split() if word.startswith("ws://"))
        token = open(f"{self.folder}/rpc.token").read()
        self.websocket = f"{address}?access_token={token}"
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{self.folder}/rpc.sock")
        ends = types.SimpleNamespace(stdin=line.makefile("wb"), stdout=line.makefile("rb"))
        self.process, self.outbox = self.program, queue.Queue()
        threading.Thread(target=self._write, args=(ends, self.outbox), daemon=True).start()
        threading.Thread(target=self._read, args=(ends,), daemon=True).start()


class Browser:
    """Headless Chromium on a page, which is told what to do."""

    def __init__(self, program, folder, websocket):
        self.deeds, self.answers, self.number = queue.Queue(), queue.Queue(), 0
        page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser/call.html"), "rb").read()
        browser = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self, body, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path == "/api":
                    return self.reply(websocket.encode(), "text/plain")
                if self.path != "/next":
                    return self.reply(page, "text/html")
                try:
                    deed = browser.deeds.get(timeout=5)
                except queue.Empty:
                    deed = {}
                self.reply(json.dumps(deed).encode(), "application/json")

            def do_POST(self):
                browser.answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.reply(b"{}", "application/json")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        words = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}/profile",
            "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
            "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={folder}/voice.wav", f"--use-file-for-fake-video-capture={folder}/face.y4m",
            f"http://127.0.0.1:{self.server.server_port}/",
        ]
        self.log = open(f"{folder}/browser.log", "wb")
        self.process = subprocess.Popen([program, *words], stdout=self.log, stderr=self.log, start_new_session=True)
        self.agent = self.answer()["ready"]

    def answer(self):
        try:
            return self.answers.get(timeout=60)
        except queue.Empty:
            raise SystemExit(f"the browser says nothing: see {self.log.name}") from None

    def do(self, deed, **params):
        self.number += 1
        self.deeds.put({"number": self.number, "deed": deed, "params": params})
        answer = self.answer()
        assert answer["number"] == self.number, answer
        if "error" in answer:
            raise SystemExit(f"the page could not {deed}: {answer['error']}")
        return answer["result"]

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.server.shutdown()


def write_voice(path):
    """A whole number of waves, so that it goes on over and over."""
    samples = [round(LEVEL * 32_767 * math.sin(math.tau * HERTZ * at / 48_000)) for at in range(48_000 * 3)]
    body = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 48_000, 96_000, 2, 16)
    with open(path, "wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", 36 + len(body), b"WAVE") + form + struct.pack("<4sI", b"data", len(body)) + body)


def write_face(path):
    """Pictures with stamps, as Kith's pattern draws them."""
    width, height = SIZE
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(FRAMES):
            bits = [number >> (x * BITS // width) & 1 for x in range(width)]
            rows = [bytes(235 if bit else 16 for bit in bits), bytes(16 if bit else 235 for bit in bits)]
            slope = [bytes(60 + (x // 4 + step + number) % 64 for x in range(width)) for step in range(64)]
            luma = b"".join(rows[band] if (band := y * BANDS // height) < 2 else slope[y // 4 % 64] for y in range(height))
            file.write(b"FRAME\n" + luma + bytes([118]) * (width * height // 4) + bytes([138]) * (width * height // 4))


def seen(browser, ann, seconds):
    """What the page heard and saw while a call went on."""
    stamps, tones = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.25)
        figures = browser.do("figures")
        stamps.append(figures["stamp"])
        tones.append(figures["loudest"])
    assert not figures["failures"], figures["failures"]
    came = list(figures["came"].values())
    sound = next(one for one in came if one["kind"] == "audio")
    pictures = max((one for one in came if one["kind"] == "video"), key=lambda one: one["framesDecoded"])
    clear = sum(abs(tone["hertz"] - ann.hertz) < 10 and tone["decibels"] > -40 for tone in tones)
    # Chromium squares the highest sample of each hundredth of a second, so a sine has the energy of its peak.
    energy = sound["totalAudioEnergy"] / (sound["totalSamplesDuration"] * LEVEL**2)
    readable = [one for one in stamps if one is not None]
    print(f"  the browser: Ann's tone in {clear} of {len(tones)} looks, {energy:.0%} of its energy; {pictures['framesDecoded']} pictures "
          f"decoded, {len(readable)} of {len(stamps)} looks found a stamp, {pictures['freezeCount']} freezes", flush=True)
    if clear < 0.7 * len(tones) or not 0.5 < energy < 1.5:
        raise SystemExit("the browser does not hear Ann as she is")
    if pictures["framesDecoded"] < 8 * seconds or len(readable) < 0.7 * len(stamps) or readable != sorted(readable):
        raise SystemExit("the browser does not see Ann's pictures in their order")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default="target/debug")
    options.add_argument("--seconds", type=int, default=8)
    options.add_argument("--browser")
    options = options.parse_args()
    program = options.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        print("browser: not tried, Chromium is not installed")
        return
    folder = tempfile.mkdtemp(prefix="kith-browser-")
    node = os.path.join(options.bin, "kith-node")
    running = []
    try:
        write_voice(f"{folder}/voice.wav"), write_face(f"{folder}/face.y4m")
        community = Community(os.path.join(options.bin, "kith-bootstrap"), f"{folder}/community")
        running.append(community.process)
        ann = Caller(node, f"{folder}/ann", "Ann", 440, "--bootstrap", community.address)
        running.append(ann.process)
        bob = Daemon(node, f"{folder}/bob", "--calls-on-loopback", "--bootstrap", community.address)
        running.append(bob.process)
        bob.call("account.create", name="Bob")
        bob.call("calls.hide_address", **{"from": "nobody"})
        bob.name, bob.hertz = "Bob", HERTZ
        chat = meet(ann, bob)
        until("they are connected", lambda: all(c["online"] for c in ann.call("contacts.list")["contacts"]))
        browser = Browser(program, folder, bob.websocket)
        running.append(browser)
        print(f"the other end: {browser.agent}", flush=True)

        print("Ann calls, the page answers", flush=True)
        call = ann.call("calls.start", chat_id=chat, video=True)["call_id"]
        until("it rings at Bob's", lambda: any(one["call_id"] == call for one in bob.call("calls.current")["calls"]))
        browser.do("accept", call_id=call, video=True)
        until("Ann talks", lambda: ann.state(call) == "live")
        seen(browser, ann, options.seconds)
        ann.call("calls.set_media", call_id=call, screen=True)
        until("the page sees Ann's screen", lambda: sum(
            one["kind"] == "video" and (one["framesDecoded"] or 0) > 5 for one in browser.do("figures")["came"].values()) == 2)
        ann.call("calls.hang_up", call_id=call)
        assert ann.end(call) == "finished"
        recorded(ann, bob, options.seconds)

        print("the page calls, Ann answers", flush=True)
        call = browser.do("start", chat_id=bob.call("chats.list")["chats"][0]["chat_id"], video=True)["call_id"]
        ann.ringing(call)
        ann.call("calls.accept", call_id=call, video=True)
        until("Ann talks", lambda: ann.state(call) == "live")
        seen(browser, ann, options.seconds)
        browser.do("hang_up", call_id=call)
        assert ann.end(call) == "finished"

        print("the browser dies in the middle of a call", flush=True)
        call = ann.call("calls.start", chat_id=chat)["call_id"]
        until("it rings at Bob's", lambda: any(one["call_id"] == call for one in bob.call("calls.current")["calls"]))
        browser.do("accept", call_id=call)
        until("Ann talks", lambda: ann.state(call) == "live")
        began = time.monotonic()
        browser.kill()
        end, took = ann.end(call), time.monotonic() - began
        print(f"  Ann's call is over: {end}, {took:.1f} s later", flush=True)
        if end != "lost" or took > 10:
            raise SystemExit("it ended otherwise, or took too long")
        print("and the node carries the next call itself", flush=True)
        bob.call("calls.choose", microphone="tone:700", speaker="none", camera="none")
        call = ann.call("calls.start", chat_id=chat)["call_id"]
        until("it rings at Bob's", lambda: any(one["call_id"] == call for one in bob.call("calls.current")["calls"]))
        bob.call("calls.accept", call_id=call)
        until("Ann hears Bob", lambda: any(leg["speech"]["level"] > 0.05 for leg in ann.call("calls.stats", call_id=call)["legs"]))
        ann.call("calls.hang_up", call_id=call)
        print("browser: passed", flush=True)
    finally:
        for one in reversed(running):
            one.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
