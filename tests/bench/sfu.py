"""Browsers in one room, full mesh: what forwarding costs, over real ICE, DTLS and SRTP on real sockets.

Each client speaks and films; each sees the nine last-N tiles (or all, if fewer) and hears the three loudest.
The plane runs in a process of its own, the clients in this one. A client decrypts nothing but what the first
one gets, which measures the delay from its sender's send to its own receive.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conferencing.embedded.extensions import Extension
from conferencing.embedded.offer import TILES
from media.rtcp import Feedback, write_compound
from media.sdp import SessionDescription
from media.webrtc.ice import IceParameters
from tests.conferencing.embedded.offers import IDS, OPUS, VP8, offer
from tests.conferencing.embedded.room import vp8
from tests.interop.peers.network import Network
from tests.interop.peers.process import Process, until
from tests.media.webrtc.browser import Browser

from .load import ROOT, cpu_seconds, resident_mb
from .report import Row

REMB = Feedback(206, 15, 1, 0, b"REMB" + (10 << 18 | 48_828).to_bytes(4, "big"))  # 50 Mbit/s
CONSENT = 2.5  # s between checks
MID, LEVEL = IDS[Extension.MID], IDS[Extension.AUDIO_LEVEL]
CONTINUED = bytes((0x80, 0x80, 0x80, 0x01)) + bytes(988)  # VP8 of a picture that has begun


@dataclass(frozen=True, slots=True)
class Picture:
    """What a camera sends: 30 pictures a second, each of so many packets of 1,000 octets."""

    name: str
    height: int
    packets: int


NONE = Picture("audio only", 0, 0)
P360 = Picture("360p", 360, 2)  # 480 kbit/s
P720 = Picture("720p", 720, 6)  # 1.4 Mbit/s


class Link:
    """One browser's way to the server: a socket, and ICE, DTLS and SRTP over it."""

    def __init__(self, number: int) -> None:
        self.name = f"client{number}"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.socket.setblocking(False)
        self.browser = Browser(self.send, seed=number)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(data)

    def sdp(self) -> str:
        local = self.browser.local
        return offer(
            codecs=("VP8",), ufrag=local.ufrag, password=local.password, fingerprint=self.browser.fingerprint
        )

    def answered(self, sdp: str) -> None:
        session = SessionDescription.parse(sdp)
        first = session.medias[0]
        words = (first.get("candidate") or "").split()
        self.socket.connect((words[4], int(words[5])))
        remote = IceParameters(first.get("ice-ufrag") or "", first.get("ice-pwd") or "")
        self.browser.describe(remote, first.get("fingerprint") or "")
        self.check()

    def check(self) -> None:
        self.send(self.browser.check(nominate=True))

    def connected(self) -> bool:
        """Whether there are keys; goes on towards them otherwise."""
        if self.browser.srtp is None:
            self.check()
            deque(self.incoming(), maxlen=0)
            if self.browser.mapped and self.browser.dtls is None:
                self.browser.handshake()
        return self.browser.srtp is not None

    def incoming(self) -> Iterator[bytes]:
        """Take all that has come; what is RTP is handed out as it came."""
        while True:
            try:
                data = self.socket.recv(2048)
            except OSError:
                return
            if not 128 <= data[0] <= 191:
                self.browser.receive(data)
            elif not 192 <= data[1] <= 223:
                yield data


class Client(Link):
    """A browser of a mesh: what it sends and when."""

    def __init__(self, number: int, picture: Picture) -> None:
        super().__init__(number)
        self.received = 0
        self.delays: list[float] = []
        self._picture = picture
        self._numbers = {0: 0, 1: 0}
        self._frames = 0
        self._ssrc = 1000 + 10 * number
        level = 20 + number % 50
        self._extensions = {
            0: b"\xbe\xde\x00\x02" + bytes((MID << 4, 0x30, LEVEL << 4, level)) + bytes(4),
            1: b"\xbe\xde\x00\x01" + bytes((MID << 4, 0x31, 0, 0)),
        }
        # Spread over the period, as the clocks of strangers are.
        self.voice_due = self.frame_due = number * 0.0017

    def say(self, packets: list[Feedback]) -> None:
        if self.browser.srtp:
            self.send(self.browser.srtp.protect_rtcp(write_compound(packets)))

    def speak(self, now: float) -> None:
        """20 ms of Opus, 32 kbit/s."""
        self._rtp(0, OPUS, now, b"\x78" * 72, marker=False, clock=48_000)

    def film(self, now: float) -> None:
        """One picture; once a second a key frame."""
        self._frames += 1
        for number in range(self._picture.packets):
            keyframe = number == 0 and self._frames % 30 == 1
            payload = vp8(self._frames, keyframe=keyframe, size=992) if number == 0 else CONTINUED
            self._rtp(1, VP8, now, payload, marker=number == self._picture.packets - 1, clock=90_000)

    def _rtp(self, mid: int, kind: int, now: float, payload: bytes, *, marker: bool, clock: int) -> None:
        if self.browser.srtp is None:
            return
        self._numbers[mid] += 1
        packet = b"".join(
            (
                bytes((0x90, kind | (0x80 if marker else 0))),
                (self._numbers[mid] & 0xFFFF).to_bytes(2, "big"),
                (round(now * clock) & 0xFFFFFFFF).to_bytes(4, "big"),
                (self._ssrc + mid).to_bytes(4, "big"),
                self._extensions[mid],
                payload,
                time.monotonic_ns().to_bytes(8, "big"),
            )
        )
        self.send(self.browser.srtp.protect(packet))

    def receive(self, *, decrypt: bool) -> None:
        """Take all that has come."""
        for data in self.incoming():
            self.received += 1
            if decrypt and self.browser.srtp:
                sent = int.from_bytes(self.browser.srtp.unprotect(data)[-8:], "big")
                self.delays.append((time.monotonic_ns() - sent) / 1e9)


class Mesh:
    """The plane's process and its clients."""

    def __init__(self, home: Path, address: str, size: int, picture: Picture) -> None:
        home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.sfu_subject", address]
        self.process = Process(
            *("sfu", command, home),
            environ={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.do({"count": 1})
        self.empty_mb = resident_mb(self.process.pid)
        self.picture = picture
        self.clients = [Client(number, picture) for number in range(size)]
        self._poll = select.epoll()
        self._by_file = {client.socket.fileno(): client for client in self.clients}
        for file in self._by_file:
            self._poll.register(file, select.EPOLLIN)
        self._started = time.monotonic()
        self._check_due = self._started + CONSENT

    def do(self, order: dict[str, Any]) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the subject has no pipes")
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the plane ended\n{self.process.tail()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def connect(self) -> None:
        for client in self.clients:
            client.answered(self.do({"offer": client.sdp(), "name": client.name})["answer"])
        until(self._connected, 30, "all clients connected")
        self.run(1.0)
        names = [client.name for client in self.clients]
        for number, client in enumerate(self.clients):
            client.say([REMB])
            others = [*names[number + 1 :], *names[:number]][:TILES]
            self.do({"want": others, "height": self.picture.height, "name": client.name})

    def _connected(self) -> bool:
        for client in self.clients:
            client.connected()
        return bool(self.do({"count": 1})["connected"] == len(self.clients))

    def run(self, seconds: float) -> None:
        """Let the meeting go on."""
        until_then = time.monotonic() + seconds
        while (now := time.monotonic()) < until_then:
            self._send_due(now)
            for file, _ in self._poll.poll(0.002):
                client = self._by_file[file]
                client.receive(decrypt=client is self.clients[0])

    def _send_due(self, now: float) -> None:
        since = now - self._started
        for client in self.clients:
            while client.voice_due <= since:
                client.speak(client.voice_due)
                client.voice_due += 0.02
            while self.picture.packets and client.frame_due <= since:
                client.film(client.frame_due)
                client.frame_due += 1 / 30
        if now >= self._check_due:
            self._check_due = now + CONSENT
            for client in self.clients:
                client.check()

    def close(self) -> None:
        self.process.stop()
        for client in self.clients:
            client.socket.close()
        self._poll.close()


def measure(home: Path, network: Network, size: int, picture: Picture, window: float) -> Row:
    """One row: a full mesh of that size."""
    mesh = Mesh(home, network.address(), size, picture)
    try:
        mesh.connect()
        mesh.run(3.0)
        mesh.do({"count": 1})
        before, cpu, begun = _forwarded(mesh), cpu_seconds(mesh.process.pid), time.monotonic()
        mesh.clients[0].delays.clear()
        received = sum(client.received for client in mesh.clients)
        mesh.run(window)
        elapsed, cpu = time.monotonic() - begun, cpu_seconds(mesh.process.pid) - cpu
        counted = mesh.do({"count": 1})
        mesh.run(0.1)
        forwarded = counted["forwarded"] - before
        got = sum(client.received for client in mesh.clients) - received
        delays = sorted(mesh.clients[0].delays) or [0.0]
        return {
            "picture": picture.name,
            "participants": size,
            "packets/s": forwarded / elapsed,
            "lost %": max(0.0, 100 * (1 - got / forwarded)),
            "CPU %": 100 * cpu / elapsed,
            "CPU-µs/packet": 1e6 * cpu / forwarded,
            "delay p50 ms": 1000 * statistics.median(delays),
            "p99 ms": 1000 * delays[int(0.99 * (len(delays) - 1))],
            "MB/participant": (resident_mb(mesh.process.pid) - mesh.empty_mb) / size,
            "tick late ms": 1000 * counted["late"],
        }
    finally:
        mesh.close()


def _forwarded(mesh: Mesh) -> int:
    return int(mesh.do({"count": 1})["forwarded"])
