"""The one clock of the process: a tick every 20 ms on an absolute schedule (architecture, D3).

Tick n is due at t0 + n * 20 ms, however late the ones before were. When the process was held up for more
than ``MOST_LATE`` ticks, those missed are skipped and their numbers with them: RTP timestamps, which are
made from the tick's number, run on with the time.

When the process was held up at all, packets that came meanwhile are still in the sockets. A tick that did
not wait for them would take them for lost and conceal them, at a hundred times the cost of playing them,
which makes the next tick late. So a late tick lets the loop read first. When those packets arrived nobody
knows: :class:`Pulse` tells who measures arrivals not to learn from them.
"""

import asyncio
from collections.abc import Callable

from config.counters import Histogram

TICK = 0.020  # seconds
MOST_LATE = 3  # ticks
HELD_UP = 0.004  # seconds by which a tick begins late
LONG = 0.012  # seconds of work
SMOOTHING = 0.04  # a tick's weight in ``behind``

LATENESS_BOUNDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.04, 0.06, 0.1, 0.25, 1.0)


def next_tick(due: int, elapsed: float) -> int:
    """The tick to run now, when ``due`` is next and ``elapsed`` seconds have passed since tick 0."""
    behind = int(elapsed / TICK) - due
    return due + behind if behind > MOST_LATE else due


class Pulse:
    """``held``: the process was held up, and what is read now may have come some time ago."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = False


class Ticker:
    """Calls ``work(tick)`` every 20 ms.

    ``lateness``: when the work of a tick was done, after it was due. ``behind``: the same of late, smoothed
    over half a second, in seconds: one long tick does not count for much.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        work: Callable[[int], None],
        pulse: Pulse | None = None,
    ) -> None:
        self._loop = loop
        self._clock = clock  # the loop's own stands still while a callback runs
        self._work = work
        self._pulse = pulse or Pulse()
        self._origin = 0.0
        self._due = 0
        self._timer: asyncio.Handle | None = None
        self.lateness = Histogram(LATENESS_BOUNDS)
        self.behind = 0.0
        self.skipped = 0

    def start(self) -> None:
        """Begin; tick 0 is due at once."""
        self._origin = self._clock()
        self._due = 0
        self._timer = self._loop.call_soon(self._run)

    def stop(self) -> None:
        """No more ticks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        if self._clock() - self._origin - self._due * TICK < HELD_UP:
            self._tick()
        else:
            self._pulse.held = True
            # What is called soon from here comes before the sockets are read, what it calls soon after.
            self._timer = self._loop.call_soon(self._read_first)

    def _read_first(self) -> None:
        self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        clock = self._clock
        elapsed = clock() - self._origin
        tick = next_tick(self._due, elapsed)
        self.skipped += tick - self._due
        self._due = tick + 1
        self._timer = self._loop.call_later(max(0.0, self._due * TICK - elapsed), self._run)
        self._work(tick)
        done = clock() - self._origin
        self._pulse.held = done - elapsed > LONG
        late = max(0.0, done - tick * TICK)
        self.lateness.observe(late)
        self.behind += (late - self.behind) * SMOOTHING
