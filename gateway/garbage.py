"""Garbage collection that keeps out of the way of the tick.

A full collection walks every container in the process: tens of milliseconds when all is imported, 100 and
more with calls up, that is several ticks of audio. So (D2) what was built at start is frozen out of the
collector's sight, the oldest generation is never collected automatically, and :meth:`Garbage.sweep` does it
by hand when nobody is calling. A process that is never idle is swept all the same once it has grown by about
700,000 objects, because a short silence (45 ms were measured) is better than running out of memory. The two
young generations stay automatic: they take some tens of microseconds.

Reference counting frees nearly everything; the collector is only for cycles.
"""

import gc
from collections.abc import Callable
from time import perf_counter

from config.counters import Histogram

OLDEST = 2
NEVER = 1_000_000_000
SWEEP_SECONDS = 10.0
"""How often `sweep` ought to be called, seconds."""
BUSY_LIMIT = 100
"""Middle collections (one for some 7,000 new objects) since the last sweep that make one overdue."""
PAUSES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Bounds of the pause histogram, seconds."""


class Garbage:
    """Collects the oldest generation when ``idle()``; counts and times every collection."""

    def __init__(self, idle: Callable[[], bool], clock: Callable[[], float] = perf_counter) -> None:
        self.collections = [0, 0, 0]  # by generation
        self.pauses = Histogram(PAUSES)  # seconds, all generations
        self._idle = idle
        self._clock = clock
        self._began = 0.0
        self._thresholds = gc.get_threshold()

    def install(self) -> None:
        """Freeze what exists and take the oldest generation out of the collector's hands."""
        gc.collect()
        gc.freeze()
        self._thresholds = gc.get_threshold()
        young, middle, _ = self._thresholds
        gc.set_threshold(young, middle, NEVER)
        gc.callbacks.append(self.measure)

    def uninstall(self) -> None:
        """Give the collector back as the interpreter had it."""
        gc.callbacks.remove(self.measure)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def sweep(self) -> bool:
        """Collect the oldest generation if it is worth it and hurts nobody; says whether it did."""
        grown = gc.get_count()[OLDEST]
        if grown >= BUSY_LIMIT or (grown and self._idle()):
            gc.collect()
            return True
        return False

    def measure(self, phase: str, info: dict[str, int]) -> None:
        """``gc.callbacks`` calls this before ("start") and after ("stop") each collection."""
        if phase == "start":
            self._began = self._clock()
        else:
            self.collections[info["generation"]] += 1
            self.pauses.observe(self._clock() - self._began)
