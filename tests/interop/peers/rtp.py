"""A media end without signalling: the ears and the mouth of a call that SIPp sets up.

Speaks and records G.711 µ-law at 8 kHz, 20 ms a packet. It speaks to all who speak to it (the
gateway sends from the ACK on), so that it needs to be told no address and can serve several calls.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time

import numpy as np

from .audio import Samples, tone
from .process import PATIENCE, until

RATE = 8000
FRAME = 160
HEADER = struct.Struct("!BBHII")


def _decoding_table() -> Samples:
    """The 256 values of µ-law (ITU-T G.711)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 7
    magnitude = (((code & 15).astype(np.int32) << 3) + 132 << exponent) - 132
    table: Samples = np.where(code & 128, -magnitude, magnitude).astype(np.int16)
    return table


DECODE = _decoding_table()


def encode(samples: Samples) -> bytes:
    """Each sample by the nearest value of the table."""
    order = np.argsort(DECODE, kind="stable")
    values = DECODE[order].astype(np.int32)
    place = np.searchsorted(values, samples).clip(1, 255)
    lower = samples - values[place - 1] < values[place] - samples
    octets: bytes = order[place - lower].astype(np.uint8).tobytes()
    return octets


class RtpLeg:
    """`with RtpLeg(address, frequency) as leg:` speaks the tone until `pause()`, and records."""

    def __init__(self, address: str, frequency: float, *, payload_type: int = 0) -> None:
        self.frequency = frequency
        self.payload_type = payload_type
        self._socket = _even_port(address)
        self.address, self.port = self._socket.getsockname()[:2]
        self._frames = encode(tone(frequency, 4.0, RATE))
        self._heard: list[bytes] = []
        self._speaking = threading.Event()
        self._speaking.set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"rtp {self.port}", daemon=True)

    def __enter__(self) -> RtpLeg:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def pause(self) -> None:
        """Say nothing from now on, not even silence."""
        self._speaking.clear()

    @property
    def packets(self) -> int:
        return len(self._heard)

    def heard(self) -> tuple[int, Samples]:
        """Rate and everything heard, in order of arrival."""
        return RATE, DECODE[np.frombuffer(b"".join(self._heard), np.uint8)]

    def hear(self, seconds: float, timeout: float = PATIENCE) -> tuple[int, Samples]:
        """Listen for that long, from now: rate and samples."""
        start, count = self.packets, round(seconds * RATE / FRAME)
        until(
            lambda: self.packets >= start + count, seconds + timeout, f"{seconds} s of sound at {self.port}"
        )
        return RATE, self.heard()[1][start * FRAME :]

    def _run(self) -> None:
        ssrc = random.getrandbits(32)
        sequence, timestamp = random.getrandbits(16), random.getrandbits(32)
        targets: dict[tuple[str, int], None] = {}
        position = 0
        due = time.monotonic()
        while not self._over.is_set():
            self._socket.settimeout(max(due - time.monotonic(), 0.0005))
            try:
                data, source = self._socket.recvfrom(2048)
            except TimeoutError:
                pass
            else:
                if len(data) > 12 and data[1] & 127 == self.payload_type:
                    self._heard.append(data[12:])
                    targets[source] = None
            if time.monotonic() < due:
                continue
            due += 0.02
            sequence, timestamp = (sequence + 1) & 0xFFFF, (timestamp + FRAME) & 0xFFFFFFFF
            if self._speaking.is_set():
                frame = self._frames[position : position + FRAME]
                position = (position + FRAME) % len(self._frames)
                header = HEADER.pack(0x80, self.payload_type, sequence, timestamp, ssrc)
                for target in targets:
                    self._socket.sendto(header + frame, target)


def _even_port(address: str) -> socket.socket:
    while True:
        candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        candidate.bind((address, 0))
        if candidate.getsockname()[1] % 2 == 0:
            return candidate
        candidate.close()
