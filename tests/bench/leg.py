"""One telephone's media, as the load generator plays it: RTP and RTCP sockets, and counts.

Sound is a second of packets made beforehand, so that a packet costs a copy and a system call. Units:
seconds of `time.monotonic`, packets of 20 ms.
"""

from __future__ import annotations

import array
import contextlib
import random
import socket
import struct
import time
from typing import Protocol

import av
import numpy as np

from tests.interop.peers.audio import Samples, tone
from tests.interop.peers.rtp import encode as encode_ulaw

FRAME = 160
#: (payload type, name in SDP, sampling rate)
CODECS = {"PCMU": (0, "PCMU/8000", 8000), "G722": (9, "G722/8000", 16000)}
#: µ-law octets louder than about -20 dBFS become 1, to find the first one of a burst.
LOUD = bytes(1 if (~code & 0x7F) > 0x4A else 0 for code in range(256))
#: Packets between two bursts of the delay test, at least.
BURST_EVERY = 25


BURST = encode_ulaw(tone(1000, 0.02, 8000, -6.0))


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


class Bursts(Protocol):
    """Who says a burst of tone now and then: ``burst_at`` is when the last one left, 0 once it was heard."""

    burst_at: float


class Leg:
    """One telephone's media: what it sends, and its count of what came."""

    __slots__ = (
        "burst_at", "countdown", "delays", "first_offset", "frames", "highest", "late_ms", "listens_to",
        "lost", "packet", "payload_type", "position", "received", "rtcp", "rtp", "sent", "sequence", "ssrc",
        "timestamp",
    )  # fmt: skip

    def __init__(self, address: str, port: int, codec: str, frames: list[bytes]) -> None:
        self.rtp = bound(address, port)
        self.rtcp = bound(address, port + 1)
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
        self.listens_to: Bursts | None = None
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


def bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((address, port))
    return made
