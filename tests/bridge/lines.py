"""For the mixer's tests: a telephone without a network, which says a tone and keeps what it hears, its seat,
and an engine with browsers behind it that say tones too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.announcer import Recording
from bridge.mix_room import Chimes, Take
from bridge.mixer import Mixer
from conferencing.engine import SpeakerFrame
from conferencing.meeting import Meeting, MeetingRules
from conferencing.participant import Kind, Participant
from media.codecs import Codec, Pcm, opus

TICK = 0.020
NOTHING = np.zeros(160, np.int16)


def tone(frequency: float, seconds: float, rate: int, level: int = 8000) -> Pcm:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def level_of(pcm: Pcm, rate: int, frequency: float) -> float:
    """Level of a frequency in dB below a full-scale sine."""
    window = np.hanning(len(pcm))
    spectrum = np.abs(np.fft.rfft(pcm * window)) / (window.sum() / 2) / 32768
    near = round(frequency * len(pcm) / rate)
    return float(20 * np.log10(spectrum[near - 3 : near + 4].max() + 1e-9))


class Receiver:
    """Gives out frames as ``media.receiver.AudioReceiver`` does."""

    def __init__(self, codec: Codec, says: Pcm | None) -> None:
        self._codec = codec
        self._says = says
        self._at = 0
        self._encoder = codec.encoder()
        self._decoder = codec.decoder()

    def _next(self) -> bytes | None:
        if self._says is None:
            return None
        size = self._codec.samples_per_tick
        frame = self._says[self._at : self._at + size]
        self._at += size
        return self._encoder.encode(frame) if len(frame) == size else None

    def skip(self, ticks: int) -> None:
        self._at += ticks * self._codec.samples_per_tick

    def take_plain(self) -> bytes | None:
        return self._next() if self._codec.stateless else None

    def take_pcm(self) -> Pcm | None:
        frame = None if self._codec.stateless else self._next()
        return None if frame is None else self._decoder.decode(frame)


class Line:
    """A ``bridge.channel.Line``. ``heard()``: all it was sent, decoded."""

    def __init__(self, codec: Codec, says: Pcm | None = None) -> None:
        self.codec = codec
        self.receiver = Receiver(codec, says)
        self.speaks = True
        self.sent: list[bytes] = []
        self.ticks: list[int] = []
        self.failures: list[Exception] = []

    def send(self, payload: bytes, tick: int) -> None:
        self.sent.append(payload)
        self.ticks.append(tick)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def heard(self, since: int = 0) -> Pcm:
        decoder = self.codec.decoder()
        return np.concatenate([decoder.decode(payload) for payload in self.sent])[
            since * self.codec.samples_per_tick :
        ]


class BrokenReceiver:
    """Raises when asked."""

    def skip(self, ticks: int) -> None:
        pass

    def take_plain(self) -> bytes | None:
        raise RuntimeError("broken")

    def take_pcm(self) -> Pcm | None:
        raise RuntimeError("broken")


def a_meeting(key: str = "room") -> Meeting:
    return Meeting(key, MeetingRules(), clock=lambda: 0.0, wall=lambda: 0.0)


def nobody(meeting: Meeting) -> Sequence[SpeakerFrame]:
    """``Engine.take`` when no browser is there."""
    return ()


def a_mixer(take: Take = nobody, *, joined: Pcm = NOTHING, left: Pcm = NOTHING) -> Mixer:
    """A mixer with these chimes, at 8 kHz; what they sound like at 16 is no matter."""
    return Mixer(take, Chimes(*(Recording.of(tone, tone.repeat(2)) for tone in (joined, left))))


class Seat:
    """A ``conferencing.engine.Seat``. ``sent``: payloads and levels."""

    def __init__(self, meeting: Meeting, *, wanted: bool = False) -> None:
        self.meeting = meeting
        self.participant = Participant("phone", Kind.PHONE, "Phone", False, 0.0)
        self.wanted = wanted
        self.sent: list[tuple[bytes, int]] = []

    def send(self, payload: bytes, level: int) -> None:
        self.sent.append((payload, level))

    def leave(self) -> None:
        self.meeting.leave(self.participant)

    def heard(self) -> Pcm:
        """What a browser hears of it, at 48 kHz."""
        decoder = opus.Decoder(48000)
        return np.concatenate([decoder.decode(payload) for payload, _ in self.sent])


class Browser:
    """Somebody behind the engine. ``says``: 16 kHz; frames are numbered from ``sequence``."""

    def __init__(self, name: str, says: Pcm, *, sequence: int = 65530, level: int = -15) -> None:
        self.participant = Participant(name, Kind.BROWSER, name, False, 0.0)
        encoder = opus.Encoder(16000)
        self.frames = [
            SpeakerFrame(self.participant, encoder.encode(frame), level, (sequence + index) & 0xFFFF)
            for index, frame in enumerate(says.reshape(-1, 320))
        ]


class Network:
    """``Engine.take``: hands over what browsers say, a frame a tick; or as ``arrivals`` has it, by tick."""

    def __init__(self, meeting: Meeting, *browsers: Browser) -> None:
        self._meeting = meeting
        self.tick = 0
        self.arrivals: dict[int, list[SpeakerFrame]] = {}
        for browser in browsers:
            for tick, frame in enumerate(browser.frames):
                self.arrivals.setdefault(tick, []).append(frame)

    def take(self, meeting: Meeting) -> Sequence[SpeakerFrame]:
        if meeting is not self._meeting:
            return ()
        self.tick += 1
        return self.arrivals.get(self.tick - 1, ())
