"""Brakes on guessing PINs. Sans-IO: time is an argument, in seconds.

A wrong PIN names no room, so wrong tries are counted per source address (``config.sources`` says what is
one) and for the whole gateway; caller ID is spoofable and counts for nothing. Where the room was named, its
own lock counts too: more than ``per_room`` wrong PINs in the window make it unreachable by PIN until the
window has passed. Tries typed after the prompt and tries inside a URI count alike. Behind an address of a
trusted network stand very many callers, who shall not lock each other out: for them only the limits of the
room and of the whole gateway hold.

Memory is bounded: sources are forgotten when their window has passed, and at most ``MOST_SOURCES`` are
kept, the oldest going first; the limit of the whole gateway still holds then.
"""

from collections import OrderedDict, deque

from config.settings import LimitsSettings
from config.sources import counted_as

MOST_SOURCES = 10_000


class _Tries:
    """Wrong tries by key within the window."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def exceeded(self, key: str, now: float) -> bool:
        times = self._times.get(key)
        if times is None:
            return False
        while times and now - times[0] >= self._window:
            times.popleft()
        if not times:
            del self._times[key]
            return False
        return len(times) >= self._limit

    def add(self, key: str, now: float) -> None:
        times = self._times.setdefault(key, deque(maxlen=self._limit))
        times.append(now)
        self._times.move_to_end(key)
        if len(self._times) > MOST_SOURCES:
            self._times.popitem(last=False)


class PinGuard:
    """Says whether another PIN may be tried."""

    def __init__(self, limits: LimitsSettings) -> None:
        window = limits.pin_window_seconds
        self._trusted = limits.trusted
        self._sources = _Tries(limits.pin_failures_per_source, window)
        self._rooms = _Tries(limits.pin_failures_per_room, window)
        self._overall = _Tries(limits.pin_failures, window)
        self.failures = 0  # wrong PINs since the start, for the metrics

    def may_try(self, source: str, room: str | None, now: float) -> bool:
        """Whether ``source`` (an address) may try a PIN now; ``room``: the slug, where one was named."""
        name = counted_as(source, self._trusted)
        return not (
            (name is not None and self._sources.exceeded(name, now))
            or self._overall.exceeded("", now)
            or (room is not None and self._rooms.exceeded(room, now))
        )

    def failed(self, source: str, room: str | None, now: float) -> None:
        """Count a wrong PIN."""
        self.failures += 1
        name = counted_as(source, self._trusted)
        if name is not None:
            self._sources.add(name, now)
        self._overall.add("", now)
        if room is not None:
            self._rooms.add(room, now)
