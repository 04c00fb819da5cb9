"""A telephone's speech on its way to those behind the engine: Opus, encoded once, however many listen.

Only who is among the three loudest is encoded, and only while somebody behind the engine listens. Whoever
loses the place, or leaves it after a pause, has been faded out by the mix and sends one frame of silence:
after that a browser plays comfort noise instead of guessing what was lost.
"""

import math
from typing import Final

from conferencing.engine import Seat
from media.codecs import Pcm
from media.codecs.opus import Encoder
from media.gain import power

QUIETEST: Final = -127  # dBov
_FULL_SCALE: Final = 32768.0**2


class Speech:
    """What one seat is given to send."""

    __slots__ = ("_encoder", "_last", "_seat")

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._encoder: Encoder | None = None
        self._last = b""  # that was sent; empty: silence

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._seat.wanted

    def say(self, pcm: Pcm, rate: int) -> None:
        """Send 20 ms, sampled at ``rate``: 8000 or 16000, whichever the telephone's codec has."""
        encoder = self._encoder
        if encoder is None or encoder.rate != rate:
            encoder = self._encoder = Encoder(rate)
        self._last = encoder.encode(pcm)
        self._seat.send(self._last, dbov(power(pcm)))

    def pause(self) -> None:
        """Nothing more for now."""
        if self._last:
            # The same table of contents with no frame behind it (RFC 6716 section 3.2.1): silence.
            silence = bytes([self._last[0] & 0xFC])
            self._last = b""
            self._seat.send(silence, QUIETEST)


def dbov(mean_square: float) -> int:
    """The level of int16 samples in dBov, 0 to -127 (RFC 6464 section 3)."""
    if mean_square <= 0.0:
        return QUIETEST
    return max(QUIETEST, min(0, round(10 * math.log10(mean_square / _FULL_SCALE))))
