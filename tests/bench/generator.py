"""Hundreds of plain telephones in one process: the load of the benchmarks.

Each leg has an RTP and an RTCP socket of its own, sends a packet every 20 ms (the legs spread over ten
slots of 2 ms, as telephones that know nothing of each other are) and reads whatever comes. Legs are
set up by a minimal SIP caller (INVITE, ACK, BYE over UDP, retransmissions every 500 ms), or told where
to send (Janus has no SIP). One thread, one epoll; about 8 µs a packet, both directions together.

Driven by JSON lines on stdin, `{"do": NAME, …}`; each is answered on stdout by one line.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import random
import re
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import av
import numpy as np

from tests.interop.peers.audio import Samples, tone
from tests.interop.peers.rtp import encode as encode_ulaw

SLOTS = 10
SLOT = 0.02 / SLOTS
RTCP_INTERVAL = 5.0
RETRANSMISSION = 0.5
GIVE_UP = 10.0
FRAME = 160
#: (payload type, name in SDP, sampling rate)
CODECS = {"PCMU": (0, "PCMU/8000", 8000), "G722": (9, "G722/8000", 16000)}
#: µ-law octets louder than about -20 dBFS become 1, to find the first one of a burst.
LOUD = bytes(1 if (~code & 0x7F) > 0x4A else 0 for code in range(256))
BURST_EVERY = 25


def frames_of(codec: str, speaking: bool, number: int) -> list[bytes]:
    """One second of sound in packets of 20 ms: a tone, or what a quiet room sounds like."""
    rate = CODECS[codec][2]
    if speaking:
        samples = tone(300.0 + 50 * (number % 50), 1.0, rate)
    else:
        samples = np.random.default_rng(number % 16).integers(-6, 7, rate).astype(np.int16)
    data = encode_ulaw(samples) if codec == "PCMU" else _encode_g722(samples)
    return [data[i : i + FRAME] for i in range(0, len(data), FRAME)]


def _encode_g722(samples: Samples) -> bytes:
    encoder = av.CodecContext.create("g722", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 16000
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


class Leg:
    """One telephone's media: what it sends, and its count of what came."""

    __slots__ = (
        "burst_at", "countdown", "delays", "first_offset", "frames", "highest", "late_ms", "listens_to",
        "lost", "packet", "payload_type", "position", "received", "rtcp", "rtp", "sent", "sequence", "ssrc",
        "timestamp",
    )  # fmt: skip

    def __init__(self, address: str, port: int, codec: str, frames: list[bytes]) -> None:
        self.rtp = _bound(address, port)
        self.rtcp = _bound(address, port + 1)
        self.payload_type = CODECS[codec][0]
        self.frames = frames
        self.position = random.randrange(len(frames))
        self.ssrc = random.getrandbits(32)
        self.sequence = random.getrandbits(15)
        self.timestamp = random.getrandbits(31)
        self.packet = bytearray(
            struct.pack("!BBHII", 0x80, self.payload_type, 0, 0, self.ssrc) + bytes(FRAME)
        )
        self.sent = self.received = self.lost = 0
        self.highest = -1
        self.first_offset = 0.0
        self.late_ms = array.array("I", [0] * 101)
        self.burst_at = 0.0
        self.countdown = 0
        self.listens_to: Leg | None = None
        self.delays: list[float] = []

    def send(self) -> None:
        self.sequence = sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
        self.position = position = (self.position + 1) % len(self.frames)
        packet = self.packet
        struct.pack_into("!HI", packet, 2, sequence, timestamp)
        packet[12:] = self.frames[position]
        if self.countdown:
            self._burst()
        try:
            self.rtp.send(packet)
        except (BlockingIOError, ConnectionRefusedError):
            return
        self.sent += 1

    def _burst(self) -> None:
        """Every so often one packet of tone instead of silence, and the time when it left."""
        self.countdown -= 1
        if self.countdown == 0:
            self.packet[12:] = BURST
            self.burst_at = time.monotonic()
            self.countdown = BURST_EVERY + random.randrange(10)

    def receive(self, buffer: memoryview) -> None:
        try:
            size = self.rtp.recv_into(buffer)
        except (BlockingIOError, ConnectionRefusedError):
            return
        if size < 12 or buffer[1] & 0x7F != self.payload_type:
            return
        now = time.monotonic()
        self.received += 1
        sequence = buffer[2] << 8 | buffer[3]
        if self.highest < 0:
            self.highest = sequence
            self.first_offset = now - sequence * 0.02
        else:
            step = (sequence - self.highest) & 0xFFFF
            if step < 0x8000:
                self.lost += step - 1
                self.highest = sequence
                self.first_offset += 0.02 * 0x10000 if sequence < step else 0.0
            else:
                self.lost -= 1
        offset = now - sequence * 0.02 - self.first_offset
        if offset < 0:
            self.first_offset += offset
            offset = 0.0
        self.late_ms[min(int(offset * 1000), 100)] += 1
        if self.listens_to is not None:
            self._listen(bytes(buffer[12:size]), now)

    def _listen(self, payload: bytes, now: float) -> None:
        speaker = self.listens_to
        first = payload.translate(LOUD).find(1)
        if speaker is not None and first >= 0 and speaker.burst_at:
            self.delays.append(now + first / 8000 - speaker.burst_at)
            speaker.burst_at = 0.0

    def report(self) -> None:
        """An RTCP sender report (RFC 3550 §6.4.1) with a CNAME, as any telephone sends."""
        now = time.time() + 2208988800
        ntp = (int(now) & 0xFFFFFFFF, int(now % 1 * 2**32))
        sr = struct.pack(
            "!BBHIIIIII", 0x80, 200, 6, self.ssrc, *ntp, self.timestamp, self.sent, self.sent * FRAME
        )
        sdes = struct.pack("!BBHIBB", 0x81, 202, 3, self.ssrc, 1, 4) + b"load\0\0"
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self.rtcp.send(sr + sdes)

    def aim(self, address: str, port: int) -> None:
        self.rtp.connect((address, port))
        self.rtcp.connect((address, port + 1))


BURST = encode_ulaw(tone(1000, 0.02, 8000, -6.0))


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((address, port))
    return made


class Dialog:
    """One call of the minimal SIP caller."""

    def __init__(self, user: str, leg: Leg, gateway: tuple[str, int], local: tuple[str, int]) -> None:
        self.user, self.leg, self.gateway, self.local = user, leg, gateway, local
        self.call_id = f"{random.getrandbits(64):016x}"
        self.tag = f"{random.getrandbits(32):08x}"
        self.to_tag = ""
        self.target = f"sip:{user}@{gateway[0]}:{gateway[1]}"
        self.pending = ""
        self.started = self.last_sent = 0.0
        self.state = "new"

    def invite(self) -> bytes:
        address, port = self.leg.rtp.getsockname()
        codec, name, _ = next(value for value in CODECS.values() if value[0] == self.leg.payload_type)
        sdp = (
            f"v=0\r\no=load 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {codec} 101\r\na=rtpmap:{codec} {name}\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n"
        )
        return self.request("INVITE", 1, sdp)

    def request(self, method: str, number: int, sdp: str = "") -> bytes:
        here = f"{self.local[0]}:{self.local[1]}"
        to = f"<sip:{self.user}@{self.gateway[0]}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        content = "Content-Type: application/sdp\r\n" if sdp else ""
        return (
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{self.call_id}{method};rport\r\n"
            f"From: <sip:load@{here}>;tag={self.tag}\r\nTo: {to}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:load@{here}>\r\n{content}Content-Length: {len(sdp)}\r\n\r\n{sdp}"
        ).encode()

    def answered(self, message: str) -> None:
        """Take the dialog and the media address from a 200 to the INVITE."""
        self.to_tag = _found(r"^To:.*;tag=([^;\s]+)", message)
        self.target = _found(r"^Contact:.*<([^>]+)>", message)
        address = _found(r"^c=IN IP4 (\S+)", message)
        self.leg.aim(address, int(_found(r"^m=audio (\d+)", message)))


def _found(pattern: str, message: str) -> str:
    match = re.search(pattern, message, re.MULTILINE | re.IGNORECASE)
    if match is None:
        raise ValueError(f"no {pattern} in {message!r}")
    return match[1]


class Generator:
    """All legs, their calls and the loop."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.readers: dict[int, Callable[[], None]] = {}
        self.rtp: dict[int, Leg] = {}
        self.legs: list[Leg] = []
        self.slots: list[list[Leg]] = [[] for _ in range(SLOTS)]
        self.dialogs: dict[str, Dialog] = {}
        self.queue: deque[Dialog] = deque()
        self.interval = 0.0
        self.next_call = 0.0
        self.refused = 0
        self.dropped = 0
        self.behind = 0.0
        self.buffer = memoryview(bytearray(2048))
        self.awaited: tuple[str, Callable[[], bool]] | None = None
        self.finished = False

    # -- orders

    def open(
        self,
        address: str,
        count: int,
        codec: str,
        speaking: list[int],
        port: int = 40000,
        pairs: bool = False,
    ) -> dict[str, Any]:
        """Make legs; `speaking` are the numbers of those who speak, `pairs` those of the delay test."""
        talkers, quiet = set(speaking), frames_of(codec, False, 0)
        for number in range(count):
            frames = frames_of(codec, True, number) if number in talkers else quiet
            leg = Leg(address, port + 2 * number, codec, frames)
            self.legs.append(leg)
            self.rtp[leg.rtp.fileno()] = leg
            self.readers[leg.rtcp.fileno()] = lambda leg=leg: _discard(leg.rtcp)  # type: ignore[misc]
            self.poll.register(leg.rtp.fileno(), select.EPOLLIN)
            self.poll.register(leg.rtcp.fileno(), select.EPOLLIN)
        if pairs:
            for speaker, listener in zip(self.legs[::2], self.legs[1::2], strict=True):
                speaker.countdown = BURST_EVERY + random.randrange(BURST_EVERY)
                listener.listens_to = speaker
        return {"ports": [leg.rtp.getsockname()[1] for leg in self.legs]}

    def aim(self, targets: list[tuple[str, int]]) -> dict[str, Any]:
        """Start all legs towards addresses that are known already."""
        for leg, (address, port) in zip(self.legs, targets, strict=True):
            leg.aim(address, port)
            self.start(leg)
        return {}

    def dial(self, address: str, gateway: tuple[str, int], users: list[str], rate: float) -> None:
        """Call with each leg, that many calls a second; answered when all are up or refused."""
        self.sip = _bound(address, 5060)
        self.sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.gateway = (gateway[0], gateway[1])
        self.readers[self.sip.fileno()] = self.read_sip
        self.poll.register(self.sip.fileno(), select.EPOLLIN)
        for leg, user in zip(self.legs, users, strict=True):
            self.queue.append(Dialog(user, leg, self.gateway, (address, 5060)))
        self.interval = 1 / rate
        self.next_call = time.monotonic()
        self.awaited = ("dial", lambda: not self.queue and not any(d.pending for d in self.dialogs.values()))

    def hang_up(self) -> None:
        """BYE for every call; answered when all are acknowledged. No leg sends from now on."""
        self.slots = [[] for _ in range(SLOTS)]
        for dialog in self.dialogs.values():
            if dialog.state == "up":
                self.ask(dialog, "BYE")
        self.awaited = ("hang_up", lambda: not any(d.pending for d in self.dialogs.values()))

    def silence(self) -> dict[str, Any]:
        """Send no more, so that both sides' counts can be compared once what is under way has come."""
        self.slots = [[] for _ in range(SLOTS)]
        return {}

    def reset(self) -> dict[str, Any]:
        """Begin a measurement: counts of lateness and of own delay from here."""
        self.behind = 0.0
        for leg in self.legs:
            leg.late_ms = array.array("I", [0] * 101)
            leg.delays.clear()
        return {}

    def count(self) -> dict[str, Any]:
        late = np.sum([leg.late_ms for leg in self.legs], axis=0)
        return {
            "sent": sum(leg.sent for leg in self.legs),
            "received": sum(leg.received for leg in self.legs),
            "lost": sum(leg.lost for leg in self.legs),
            "silent_legs": sum(leg.received == 0 for leg in self.legs),
            "late_ms": [int(number) for number in late],
            "delays": [delay for leg in self.legs for delay in leg.delays],
            "refused": self.refused,
            "dropped": self.dropped,
            "behind": self.behind,
        }

    def quit(self) -> dict[str, Any]:
        self.finished = True
        return {}

    # -- SIP

    def ask(self, dialog: Dialog, method: str) -> None:
        dialog.pending = method
        dialog.started = time.monotonic()
        self.put(dialog)

    def put(self, dialog: Dialog) -> None:
        dialog.last_sent = time.monotonic()
        message = dialog.invite() if dialog.pending == "INVITE" else dialog.request("BYE", 2)
        self.sip.sendto(message, self.gateway)

    def read_sip(self) -> None:
        message = self.sip.recv(65536).decode(errors="replace")
        dialog = self.dialogs.get(_found(r"^Call-ID:\s*(\S+)", message))
        if dialog is None:
            return
        if not message.startswith("SIP/2.0"):
            self.asked(dialog, message)
            return
        status, method = int(message[8:11]), _found(r"^CSeq:\s*\d+ (\w+)", message)
        if status < 200 or (method == "BYE" and dialog.pending != "BYE"):
            return
        if method == "INVITE" and status < 300:
            if dialog.pending == "INVITE":
                dialog.answered(message)
                dialog.state, dialog.pending = "up", ""
                self.start(dialog.leg)
            self.sip.sendto(dialog.request("ACK", 1), self.gateway)
        elif method == "INVITE":
            dialog.to_tag = dialog.to_tag or _found(r"^To:.*;tag=([^;\s]+)", message)
            self.sip.sendto(dialog.request("ACK", 1).replace(b"ACK;rport", b"INVITE;rport"), self.gateway)
            self.refused += dialog.pending == "INVITE"
            dialog.state, dialog.pending = "refused", ""
        else:
            dialog.state, dialog.pending = "over", ""

    def asked(self, dialog: Dialog, message: str) -> None:
        """The gateway's own BYE is answered and counted; nothing else is expected."""
        head = message.split("\r\n\r\n")[0].split("\r\n")
        kept = [line for line in head[1:] if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
        self.sip.sendto(
            "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), self.gateway
        )
        if message.startswith("BYE") and dialog.state == "up":
            dialog.state = "over"
            self.dropped += 1

    def remind(self, now: float) -> None:
        """Retransmit what is unanswered, and give up after a while."""
        for dialog in self.dialogs.values():
            if not dialog.pending or now - dialog.last_sent < RETRANSMISSION:
                continue
            if now - dialog.started > GIVE_UP:
                self.refused += dialog.pending == "INVITE"
                dialog.state, dialog.pending = "over", ""
            else:
                self.put(dialog)

    # -- the loop

    def start(self, leg: Leg) -> None:
        self.slots[self.legs.index(leg) % SLOTS].append(leg)

    def run(self) -> None:
        self.readers[0] = self.read_orders
        self.poll.register(0, select.EPOLLIN)
        turn, due = 0, time.monotonic()
        next_report = next_reminder = due
        rtp, readers, buffer = self.rtp, self.readers, self.buffer
        while not self.finished:
            for descriptor, _ in self.poll.poll(max(due - time.monotonic(), 0)):
                leg = rtp.get(descriptor)
                if leg is not None:
                    leg.receive(buffer)
                else:
                    readers[descriptor]()
            now = time.monotonic()
            if now < due:
                continue
            self.behind = max(self.behind, now - due)
            for leg in self.slots[turn]:
                leg.send()
            turn, due = (turn + 1) % SLOTS, due + SLOT
            while self.queue and now >= self.next_call:
                dialog = self.queue.popleft()
                self.dialogs[dialog.call_id] = dialog
                self.ask(dialog, "INVITE")
                self.next_call += self.interval
            if now > next_reminder:
                next_reminder = now + 0.1
                self.remind(now)
            if now > next_report:
                next_report = now + RTCP_INTERVAL / SLOTS
                for leg in self.slots[int(now / RTCP_INTERVAL * SLOTS) % SLOTS]:
                    leg.report()
            if self.awaited and self.awaited[1]():
                self.say(self.awaited[0], {})
                self.awaited = None

    def read_orders(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self.finished = True
            return
        order = json.loads(line)
        name = order.pop("do")
        answer = getattr(self, name)(**order)
        if answer is not None:
            self.say(name, answer)

    def say(self, name: str, answer: dict[str, Any]) -> None:
        os.write(1, json.dumps({"done": name, **answer}).encode() + b"\n")


def _discard(incoming: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
        incoming.recv(2048)


if __name__ == "__main__":
    Generator().run()
