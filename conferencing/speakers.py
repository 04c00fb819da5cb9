"""Who is heard: the three loudest of a meeting. The only ranking there is.

A newcomer must be louder than a sitting speaker by ``MARGIN`` to take the place, so that two voices of
like loudness do not flutter; and a speaker who falls silent keeps the place for as long as nobody else
wants it, which costs nothing. Levels are linear mean squares of int16 samples, smoothed by the caller.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import TypeVar

T = TypeVar("T")

SPEAKERS = 3
# 3 dB, as a ratio of mean squares.
MARGIN = 2.0
# Mean square below which nobody is speaking: -50 dBov of int16.
SILENCE = 32768.0**2 * 1e-5


def choose(candidates: Iterable[tuple[float, T]], sitting: Iterable[T], most: int = SPEAKERS) -> list[T]:
    """The ``most`` loudest of ``candidates`` (level, who), those ``sitting`` preferred by ``MARGIN``."""
    candidates = list(candidates)
    if len(candidates) <= most:  # nobody has to make way
        return [who for _, who in sorted(candidates, key=itemgetter(0), reverse=True)]
    keep = set(sitting)
    ranked = sorted(
        ((level * MARGIN if who in keep else level), index, who)
        for index, (level, who) in enumerate(candidates)
    )
    return [who for _, _, who in reversed(ranked[-most:])]
