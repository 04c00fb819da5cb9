"""One heap for every deadline of the user agent, so that the reactor holds one timer and not thousands.

A thing on the agenda tells when it wants to be woken (``next_deadline``, seconds, infinity for never) and is
noted again whenever that may have changed. A deadline that moved away leaves its entry behind; it is skipped
when its time comes. An entry is made only when a deadline comes nearer, so a thing whose timers are merely
prolonged costs one entry. Noting is O(log n), and nothing ever looks at all things.
"""

import math
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """What can be put on an agenda."""

    @property
    def next_deadline(self) -> float:
        """When it wants to be woken; infinity for never."""


T = TypeVar("T", bound=Timed)


class Agenda(Generic[T]):
    """Who is to be woken when."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._booked: dict[T, float] = {}  # the nearest entry of each
        self._count = 0  # orders entries of the same time

    def note(self, item: T) -> None:
        """Take down the deadline of ``item``."""
        deadline = item.next_deadline
        if deadline < self._booked.get(item, math.inf):
            self._booked[item] = deadline
            self._count += 1
            heappush(self._heap, (deadline, self._count, item))

    @property
    def next_deadline(self) -> float:
        """When something may be due; infinity when nothing is."""
        return self._heap[0][0] if self._heap else math.inf

    def take_due(self, now: float) -> list[T]:
        """Those whose deadline has come. Each has to be noted again after it was woken."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            deadline, _, item = heappop(self._heap)
            if self._booked.get(item) != deadline:
                continue  # a nearer entry has been served
            del self._booked[item]
            if item.next_deadline <= now:
                due.append(item)
            else:
                self.note(item)
        return due

    def __len__(self) -> int:
        return len(self._heap)
