"""Time-scaling: a few samples more or fewer without a click and without changing the pitch (WSOLA).

Speech repeats itself every pitch period. To make a piece shorter by one period, cross-fade from the signal
to itself one period later; to make it longer, to itself one period earlier. Where the two are alike the
seam is not heard. ``period`` looks for the shift at which the recent past is most like itself, ``shorten``
and ``lengthen`` apply it to the piece that comes next. Samples are int16, lengths are samples.
"""

from typing import Final

import numpy as np

from media.codecs.pcm import Pcm

_SEAM: Final = 0.005  # of cross-fade, seconds


def period(past: Pcm, shortest: int, longest: int, step: int = 1) -> int:
    """The shift, a multiple of ``step``, by which the end of ``past`` is most like what went before.

    ``past`` should hold three times ``longest``. Silence and noise are like themselves at any shift: they
    answer ``longest``, the shift that gets furthest.
    """
    signal = past.astype(np.float32)
    length = len(signal) - longest
    template = signal[-length:]
    products = np.correlate(signal[: len(signal) - shortest], template)[::-1]  # by shift, from shortest up
    squares = np.concatenate(([0.0], np.cumsum(np.square(signal, dtype=np.float64))))
    ends = len(signal) - np.arange(shortest, longest + 1)
    energies = squares[ends] - squares[ends - length]
    # The squared distance to the shifted signal, of which the template's own energy is constant.
    distance = (energies - 2.0 * products)[::step]
    return shortest + step * int(len(distance) - 1 - np.argmin(distance[::-1]))


def shorten(pcm: Pcm, samples: int, rate: int) -> Pcm:
    """The same sound in fewer samples: joins its beginning to its end."""
    shift = len(pcm) - samples
    return _seam(pcm[:samples], pcm[shift:], rate)


def lengthen(pcm: Pcm, samples: int, rate: int, past: Pcm) -> Pcm:
    """The same sound in more samples: goes back by the difference once, if need be into ``past``."""
    shift = samples - len(pcm)
    return _seam(pcm, np.concatenate((past[-shift:], pcm)), rate)


def _seam(first: Pcm, second: Pcm, rate: int) -> Pcm:
    """Begin with ``first``, end with ``second``; change over where they are most alike."""
    width = min(int(_SEAM * rate), len(first))
    error = np.square(first - second[: len(first)].astype(np.float32))
    costs = np.convolve(error, np.ones(width, np.float32), "valid")
    start = int(np.argmin(costs))
    weight = np.linspace(0.0, 1.0, width + 2, dtype=np.float32)[1:-1]
    joined = second.copy()
    joined[:start] = first[:start]
    seam = slice(start, start + width)
    joined[seam] = np.rint(first[seam] * (1.0 - weight) + second[seam] * weight)
    return joined
