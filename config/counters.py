"""Counting on the hot path: a histogram that costs well under a microsecond to feed.

A component owns its counters as plain attributes (``self.packets_in += 1``) and its distributions as a
:class:`Histogram`; ``gateway.metrics`` reads both when Prometheus scrapes, and at no other time. Nothing
here knows Prometheus, labels or locks: everything that counts runs on the one loop (D2).
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise


class Histogram:
    """How often a value fell at or below each bound; the last of ``counts`` is beyond them all.

    ``bounds`` ascend and share the unit of what is observed: seconds, everywhere in Passerelle.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        if not bounds or any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"bounds must ascend, not {bounds!r}")
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; one that equals a bound belongs to that bound (Prometheus' ``le``)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self.counts)

    def quantile(self, fraction: float) -> float:
        """The bound below which at least ``fraction`` of the values lie; infinity when beyond the last.

        An upper estimate, as coarse as the bounds; 0.0 when nothing was observed.
        """
        wanted = fraction * self.count
        seen = 0
        if not wanted:
            return 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if seen >= wanted:
                return bound
        return float("inf")
