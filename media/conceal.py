"""Loss concealment by repetition of the pitch, after ITU-T G.711 appendix I.

What is lost is replaced by the last pitch periods, over and over: the loop is as many whole periods as fill
10 ms, so that it does not buzz, and its seam is cross-faded. The first 10 ms keep their level, then it
fades and is silent 60 ms after the loss began: longer repetition sounds worse than none. When audio comes
back, it is cross-faded with what the concealment would have said next. Unlike the appendix there is no
delay: where it delays the signal to smooth the first seam, here the step between the last sample and the
loop is spread out.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codecs.pcm import Pcm
from media.stretch import period

HISTORY: Final = 0.0475
"""Seconds of past that :meth:`Concealer.begin` wants: three times the longest period, and a seam."""

_LONGEST: Final = 0.015  # pitch periods, seconds: 66 Hz
_SHORTEST: Final = 0.0025  # 400 Hz
_LOOP: Final = 0.010
_SEAM: Final = 0.0025
_HOLD: Final = 0.010
_SILENT: Final = 0.060
_RECOVERY: Final = 0.005


class Concealer:
    """Stands in for one stream while it has nothing to say for itself."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._recovery = int(_RECOVERY * rate)
        self._envelope = _envelope(rate)
        self._substitute: Pcm | None = None

    @property
    def active(self) -> bool:
        """Whether the last samples given were not the stream's own, so that it must :meth:`recover`."""
        return self._substitute is not None

    @property
    def silent(self) -> bool:
        """Whether there is nothing left to say."""
        return self._substitute is not None and not len(self._substitute)

    def begin(self, past: Pcm) -> None:
        """The stream broke off after ``past``."""
        self._substitute = np.rint(self._continuation(past) * self._envelope).astype(np.int16)

    def silence(self) -> None:
        """The stream has not begun to speak: what comes first is faded in."""
        self._substitute = np.zeros(0, np.int16)

    def conceal(self, samples: int) -> Pcm:
        """The next samples in place of lost ones."""
        substitute = self._substitute if self._substitute is not None else np.zeros(0, np.int16)
        self._substitute = substitute[samples:]
        concealed = np.zeros(samples, np.int16)
        concealed[: len(substitute)] = substitute[:samples]
        return concealed

    def fade(self, samples: int) -> Pcm:
        """The next samples where the talker paused: gone within them."""
        faded = self.conceal(samples) * np.linspace(1.0, 0.0, samples, dtype=np.float32)
        self.silence()
        return np.rint(faded).astype(np.int16)

    def recover(self, pcm: Pcm) -> Pcm:
        """The stream is back: its first samples, cross-faded."""
        width = min(self._recovery, len(pcm))
        weight = np.linspace(0.0, 1.0, width + 2, dtype=np.float32)[1:-1]
        recovered = pcm.copy()
        recovered[:width] = np.rint(pcm[:width] * weight + self.conceal(width) * (1.0 - weight))
        self._substitute = None
        return recovered

    def _continuation(self, past: Pcm) -> NDArray[np.float32]:
        total = len(self._envelope)
        longest, seam = int(_LONGEST * self._rate), int(_SEAM * self._rate)
        if len(past) < 3 * longest + seam:
            past = np.concatenate((np.zeros(3 * longest + seam - len(past), np.int16), past))
        pitch = period(past[-3 * longest :], int(_SHORTEST * self._rate), longest)
        length = pitch * -(-int(_LOOP * self._rate) // pitch)
        weight = np.linspace(0.0, 1.0, seam, dtype=np.float32)
        loop = past[-length:].astype(np.float32)
        before = past[-length - seam : -length].astype(np.float32)
        step = loop[-1] - before[-1]
        loop[-seam:] += weight * (before - loop[-seam:])
        continuation = np.resize(loop, total)
        continuation[:seam] += step * weight[::-1]
        return np.clip(continuation, -32768, 32767)


@cache
def _envelope(rate: int) -> NDArray[np.float32]:
    hold, silent = int(_HOLD * rate), int(_SILENT * rate)
    return np.concatenate((np.ones(hold, np.float32), np.linspace(1.0, 0.0, silent - hold, dtype=np.float32)))
