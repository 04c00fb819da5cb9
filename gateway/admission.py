"""Whether one more call may come in, decided before anything is spent on it. No I/O; time is an argument.

In this order:

- while draining, nobody (503, Retry-After);
- one address that has more than its share of running calls, or of new ones in a second (486: an SBC that
  gets 503 stops using us altogether, and its other calls are welcome). Trusted networks, such as the SBC's
  own, are exempt;
- more calls than the process may hold, or more per second than it can answer, or a process so busy that
  sound comes late already (503, Retry-After): who is in a meeting is to go on hearing it.

An address that is over its limit is refused before it can use up the calls per second of everyone else.
The calls per second are a token bucket one second deep: a burst of that many is welcome after a pause. Those
of one address are counted anew each second. Only addresses with a running call, or let in within the second,
are remembered, so memory is bounded by the limits. What counts as one address, ``config.sources`` says.
"""

from collections import Counter
from collections.abc import Callable
from math import inf

from config.buckets import Bucket
from config.outcome import Outcome
from config.settings import LimitsSettings
from config.sources import counted_as

RETRY_AFTER = {Outcome.OVERLOADED: 5, Outcome.DRAINING: 60}
"""Seconds for the Retry-After header of a 503: the next second may do, a restart takes longer."""


class Admission:
    """Counts the calls that were let in; each needs one `ended` when it is over.

    ``behind``: by how many seconds the sound of the running calls is late.
    """

    def __init__(self, limits: LimitsSettings, behind: Callable[[], float] = lambda: 0.0) -> None:
        self.draining = False
        self.running = 0
        self._limits = limits
        self._behind = behind
        self._by_source: Counter[str] = Counter()
        self._new_by_source: Counter[str] = Counter()  # let in since _second
        self._second = -inf
        rate = float(limits.calls_per_second)
        self._bucket = Bucket(0.0, refill=rate, depth=rate)

    def admit(self, source_host: str, now: float) -> Outcome | None:
        """Let a call from this address in (None), or say why not: nothing is counted then."""
        if self.draining:
            return Outcome.DRAINING
        source = counted_as(source_host, self._limits.trusted)
        if source is not None and self._has_its_share(source, now):
            return Outcome.SOURCE_LIMIT
        if self.running >= self._limits.calls or self._is_late() or not self._bucket.take(1.0, now):
            return Outcome.OVERLOADED
        self.running += 1
        if source is not None:
            self._by_source[source] += 1
            self._new_by_source[source] += 1
        return None

    def ended(self, source_host: str) -> None:
        """A call that `admit` let in from this address is over."""
        self.running -= 1
        source = counted_as(source_host, self._limits.trusted)
        if source is None:
            return
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]

    def begin_drain(self) -> None:
        """Refuse every call from now on."""
        self.draining = True

    def _has_its_share(self, source: str, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second = now
            self._new_by_source.clear()
        return (
            self._by_source[source] >= self._limits.calls_per_source
            or self._new_by_source[source] >= self._limits.calls_per_second_per_source
        )

    def _is_late(self) -> bool:
        return 0 < self._limits.late_ms < 1000 * self._behind()
