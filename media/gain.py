"""Levels and sums. Everything works on a matrix, one leg a row, in a few numpy calls for all legs of a tick.

The level is dBov (RFC 6464 section 3): the mean power relative to a full-scale square wave, so that a sine
at the overload point is -3.01 dBov and digital silence, by convention, -127.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.codecs.pcm import Pcm

Powers: TypeAlias = NDArray[np.float32]
"""One value for each leg."""

SILENCE: Final = -127.0
"""dBov of digital silence."""

_FULL_SCALE: Final = 32768.0**2
_ATTACK: Final = 0.5
_RELEASE: Final = 0.04


def power(pcm: Pcm) -> Powers:
    """Mean square of each row, in squared sample units."""
    samples = pcm.astype(np.float32)
    means: Powers = np.vecdot(samples, samples) / np.float32(samples.shape[-1])
    return means


def dbov(mean_square: Powers) -> Powers:
    """Powers as levels, -127 to 0 dBov."""
    relative = np.maximum(mean_square / np.float32(_FULL_SCALE), np.float32(10.0 ** (SILENCE / 10.0)))
    levels: Powers = np.float32(10.0) * np.log10(relative)
    return levels


def smooth(previous: Powers, present: Powers) -> Powers:
    """Powers that follow speech: up within two ticks, down in about half a second, over the gaps of words."""
    gain = np.where(present > previous, np.float32(_ATTACK), np.float32(_RELEASE))
    smoothed: Powers = previous + gain * (present - previous)
    return smoothed


def saturate(total: NDArray[np.int32]) -> Pcm:
    """Sums of samples, held within 16 bits."""
    return np.clip(total, -32768, 32767).astype(np.int16)
