"""Between a browser and a telephone: bursts of tone each way, timed as those between telephones.

In each room a page and a telephone; the page speaks Opus over real ICE, DTLS and SRTP, and comes in by the
gateway's own doors. A delay is from the packet's departure to the arrival of the burst's first sample: it
contains Opus's look-ahead, and neither end's own jitter buffer. Units: seconds.
"""

from __future__ import annotations

import json
import random
import select
import time
import urllib.request

import numpy as np
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conferencing.embedded.extensions import Extension
from media.codecs.opus import SILENCE, Decoder, Encoder
from media.rtp import RtpPacket
from tests.conferencing.embedded.offers import IDS, OPUS
from tests.interop.peers.audio import tone
from tests.interop.peers.process import until

from .dialog import Dialog
from .leg import BURST_EVERY, Leg, bound, frames_of
from .sfu import CONSENT, Link

RATE = 16_000
FRAME = RATE // 50
BURST_FRAMES = 5
LOUD, QUIET = 6, 70  # -dBov
HEARD = 3000  # of 32,767: the burst has begun
PATIENCE = 10.0


def _speech() -> list[bytes]:
    """What a quiet room sounds like, then a burst; it is said over and over."""
    noise = np.random.default_rng(1).integers(-6, 7, BURST_EVERY * FRAME).astype(np.int16)
    samples = np.concatenate([noise, tone(1000, BURST_FRAMES / 50, RATE, -6.0)])
    encoder = Encoder(RATE)
    return [encoder.encode(samples[at : at + FRAME]) for at in range(0, len(samples), FRAME)]


SPEECH = _speech()


class Page(Link):
    """A browser of a meeting. ``burst_at``: when its last burst left, 0 once it was heard."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.burst_at = 0.0
        self._position = random.randrange(BURST_EVERY)
        self._sequence = random.getrandbits(15)
        self._decoder = Decoder(48_000)

    def enter(self, gateway: str, slug: str, pin: str) -> ClientConnection:
        """Come in as a page does; what is returned keeps the seat."""
        origin = f"http://{gateway}"
        body = json.dumps({"slug": slug, "name": self.name, "pin": pin}).encode()
        headers = {"Content-Type": "application/json", "Origin": origin}
        request = urllib.request.Request(f"{origin}/api/join", body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            token = json.load(answer)["token"]
        signalling = connect(f"ws://{gateway}/ws", origin=Origin(origin), compression=None, max_queue=None)
        for message in (
            {"type": "hello", "version": 1, "token": token, "name": self.name, "language": "en"},
            {"type": "media", "microphone": True, "camera": False, "screen": False},
            {"type": "offer", "sdp": self.sdp()},
        ):
            signalling.send(json.dumps(message))
        while (event := json.loads(signalling.recv(PATIENCE)))["type"] != "answer":
            pass
        self.answered(event["sdp"])
        until(self.connected, PATIENCE, "a browser's media")
        return signalling

    def speak(self) -> None:
        """20 ms of Opus."""
        if self.browser.srtp is None:
            return
        self._position = (self._position + 1) % len(SPEECH)
        level = LOUD if self._position >= BURST_EVERY else QUIET
        if self._position == BURST_EVERY:
            self.burst_at = time.monotonic()
        self._sequence += 1
        extension = bytes((IDS[Extension.MID] << 4, 0x30, IDS[Extension.AUDIO_LEVEL] << 4, level))
        packet = RtpPacket(
            *(OPUS, self._sequence & 0xFFFF, self._sequence * 960 & 0xFFFFFFFF, 7),
            SPEECH[self._position],
            extension=(0xBEDE, extension),
        )
        self.send(self.browser.srtp.protect(packet.to_bytes()))

    def hear(self, telephone: Leg) -> list[float]:
        """Take all that has come; the delays of bursts that began in it."""
        delays = []
        for data in self.incoming():
            now = time.monotonic()
            if self.browser.srtp is None:
                continue
            packet = RtpPacket.parse(self.browser.srtp.unprotect(data))
            if packet.payload_type != OPUS or len(packet.payload) <= SILENCE:
                continue
            loud = np.flatnonzero(np.abs(self._decoder.decode(packet.payload).astype(np.int32)) > HEARD)
            if len(loud) and telephone.burst_at:
                delays.append(now + float(loud[0]) / 48_000 - telephone.burst_at)
                telephone.burst_at = 0.0
        return delays


class Crossing:
    """A page and a telephone in one room. ``to_page`` and ``to_telephone``: the delays so far."""

    def __init__(self, number: int, address: str) -> None:
        self.page = Page(number)
        self.leg = Leg(address, 40_000 + 2 * number, "PCMU", frames_of("PCMU", False, number))
        self.leg.countdown = BURST_EVERY + random.randrange(BURST_EVERY)
        self.leg.listens_to = self.page
        self.to_page: list[float] = []
        self._due = time.monotonic() + random.random() * 0.02  # each at a phase of its own

    @property
    def to_telephone(self) -> list[float]:
        return self.leg.delays

    def speak(self, now: float) -> None:
        """Both say what is due."""
        while self._due <= now:
            self.leg.send()
            self.page.speak()
            self._due += 0.02


class Crossings:
    """All of them, in this process: `enter`, `run`, `leave`."""

    def __init__(self, address: str, gateway: str) -> None:
        self.all: list[Crossing] = []
        self._address = address
        self._gateway = gateway
        self._sip = bound(address, 5060)
        self._sip.connect((gateway, 5060))
        self._dialogs: list[Dialog] = []
        self._signalling: list[ClientConnection] = []
        self._check_due = 0.0

    def enter(self, slug: str, pin: str) -> None:
        """One more page and telephone, into that room."""
        crossing = Crossing(len(self.all), self._address)
        self.all.append(crossing)
        self._signalling.append(crossing.page.enter(f"{self._gateway}:8080", slug, pin))
        dialog = Dialog(pin, crossing.leg, (self._gateway, 5060), (self._address, 5060))
        self._sip.send(dialog.invite())
        dialog.answered(until(lambda: self._answer(dialog), PATIENCE, "a telephone's answer"))
        self._sip.send(dialog.request("ACK", 1))
        self._dialogs.append(dialog)

    def _answer(self, dialog: Dialog) -> str:
        try:
            message = self._sip.recv(65_536).decode()
        except OSError:
            return ""
        return message if message.startswith("SIP/2.0 200") and dialog.call_id in message else ""

    def run(self, seconds: float) -> None:
        """Let them speak and hear."""
        poll = select.poll()
        readers = {}
        for crossing in self.all:
            for one in (crossing.page.socket, crossing.leg.rtp):
                poll.register(one, select.POLLIN)
                readers[one.fileno()] = crossing
        buffer = memoryview(bytearray(2048))
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for crossing in self.all:
                crossing.speak(now)
            for file, _ in poll.poll(1):
                crossing = readers[file]
                if file == crossing.leg.rtp.fileno():
                    crossing.leg.receive(buffer)
                else:
                    crossing.to_page += crossing.page.hear(crossing.leg)
            if now >= self._check_due:
                self._check_due = now + CONSENT
                for crossing in self.all:
                    crossing.page.check()

    def reset(self) -> None:
        """Begin a measurement."""
        for crossing in self.all:
            crossing.to_page.clear()
            crossing.to_telephone.clear()

    def leave(self) -> None:
        """Hang up, and close the pages."""
        for dialog in self._dialogs:
            self._sip.send(dialog.request("BYE", 2))
        self._sip.close()
        for signalling, crossing in zip(self._signalling, self.all, strict=True):
            signalling.send(json.dumps({"type": "leave"}))
            signalling.close()
            crossing.page.socket.close()
