"""Whether this process has time left: cameras cost it most, and sound must not suffer for them.

The share of one core that the process used in the last seconds; beyond ``FULL`` no camera more is taken. The
loop is one thread, so beyond one core there is nothing.
"""

from collections import deque
from collections.abc import Callable

READINGS = 6
"""Kept: with one a second, five seconds."""
FULL = 0.85


class Load:
    """``clock`` gives monotonic seconds, ``used`` the seconds of processor time used since the start."""

    def __init__(self, clock: Callable[[], float], used: Callable[[], float]) -> None:
        self._clock = clock
        self._used = used
        self._readings: deque[tuple[float, float]] = deque(maxlen=READINGS)

    def read(self) -> None:
        """Take a reading; call it every second."""
        self._readings.append((self._clock(), self._used()))

    @property
    def share(self) -> float:
        """Of one core, from the first reading kept to the last."""
        if len(self._readings) < 2:
            return 0.0
        (since, used_then), (now, used) = self._readings[0], self._readings[-1]
        return (used - used_then) / (now - since)

    def has_room(self) -> bool:
        """Whether another camera can be taken."""
        return self.share < FULL
