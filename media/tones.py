"""The two short tones of a meeting: somebody came, somebody left.

Two soft notes a fifth apart, rising for the one and falling for the other, like a door chime: told apart
without thinking, and low enough to be spoken over. Made for any sampling rate; int16, mono.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codecs.pcm import Pcm

_LOW: Final = 523.25  # Hz, C5
_HIGH: Final = 783.99  # G5
_NOTE: Final = 0.12  # seconds
_LEVEL: Final = 2000.0  # peak: a sine at -27 dBov, below speech
_FADE_IN: Final = 0.008
_DECAY: Final = 0.045


@cache
def join(rate: int) -> Pcm:
    """The tone for somebody who came: 240 ms at ``rate`` samples a second. Read-only: it is shared."""
    return _chime(rate, _LOW, _HIGH)


@cache
def leave(rate: int) -> Pcm:
    """The tone for somebody who left: 240 ms at ``rate`` samples a second. Read-only: it is shared."""
    return _chime(rate, _HIGH, _LOW)


def _chime(rate: int, *notes: float) -> Pcm:
    chime: Pcm = np.rint(np.concatenate([_note(rate, note) for note in notes])).astype(np.int16)
    chime.flags.writeable = False
    return chime


def _note(rate: int, frequency: float) -> NDArray[np.float64]:
    """One struck note: a raised-cosine attack, an exponential decay, and gone at its end."""
    time = np.arange(round(_NOTE * rate)) / rate
    attack = 0.5 - 0.5 * np.cos(np.pi * np.minimum(time / _FADE_IN, 1.0))
    end = 0.5 - 0.5 * np.cos(np.pi * np.minimum((_NOTE - time) / _FADE_IN, 1.0))
    sound = np.sin(2 * np.pi * frequency * time) + 0.2 * np.sin(4 * np.pi * frequency * time)
    return _LEVEL * sound * attack * end * np.exp(-time / _DECAY)
