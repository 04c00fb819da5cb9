"""Whether this process has time left: pictures cost it most, and sound must not suffer for them.

Two things tell. The share of one core that the process used in the last seconds: the loop is one thread, so
beyond one core there is nothing. And how late the ticks are that carry sound, since on a machine that others
keep busy a process is late that uses little. Beyond ``FULL``, or half of the lateness at which calls are
refused (``gateway.admission``), no camera or screen more is taken.
"""

from collections import deque
from collections.abc import Callable

READINGS = 6
"""Kept: with one a second, five seconds."""
FULL = 0.85


class Load:
    """``clock`` gives monotonic seconds, ``used`` the seconds of processor time used since the start.

    ``behind``: by how many seconds the ticks are late; ``late_ms``: ``limits.late_ms`` of the settings.
    """

    def __init__(
        self, clock: Callable[[], float], used: Callable[[], float], behind: Callable[[], float], late_ms: int
    ) -> None:
        self._clock = clock
        self._used = used
        self._behind = behind
        self._late_ms = late_ms
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
        """Whether another picture can be taken."""
        return self.share < FULL and not 0 < self._late_ms < 2000 * self._behind()
