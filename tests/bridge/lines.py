"""A telephone without a network: says a tone and keeps what it hears. For the mixer's tests."""

from __future__ import annotations

import numpy as np

from media.codecs import Codec, Pcm

TICK = 0.020


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

    def take_plain(self) -> bytes | None:
        raise RuntimeError("broken")

    def take_pcm(self) -> Pcm | None:
        raise RuntimeError("broken")
