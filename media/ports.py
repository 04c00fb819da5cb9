"""Which UDP ports a call gets for its RTP: an even one, and the odd one above it for RTCP (RFC 3550 §11).

The allocator hands out numbers and opens no socket. A pair given back rests before it is used again, so that
what is still sent to one call cannot fall into the next; pairs are used in turn, the one that has rested
longest first. Where a range is narrow for the calls that come and go, ``SHORTEST_REST`` has to do: latching
(``media.latch``) tells strangers apart, and a busy line would be worse. A pair whose number nobody was told
of needs no rest, so that calls that come to nothing use none up. A pair that turns out to be taken by another
program is given back like one that was used, and the next one asked for.

Units: seconds of any steady clock.
"""

from collections import deque
from typing import Final

from config.outcome import Outcome, PasserelleError

REST: Final = 32.0  # s; as long as a BYE that nobody answers is repeated (64*T1 of RFC 3261)
SHORTEST_REST: Final = 2.0  # s; no packet is longer on its way


class PortsExhaustedError(PasserelleError):
    """Every pair of the range is in use or resting."""

    def __init__(self, ports: range) -> None:
        super().__init__(
            f"all {len(ports)} RTP port pairs from {ports.start} to {ports[-1] + 1} are in use or resting",
            outcome=Outcome.OVERLOADED,
            hint="Widen media.ports, or lower limits.calls.",
        )


class PortAllocator:
    """Gives out the pairs of ``first``..``last`` (both included); ``port in allocator`` asks if it is in use.

    Raises:
        ValueError: there is no whole pair in that range.
    """

    def __init__(self, first: int, last: int) -> None:
        self._pairs = range(first + first % 2, last, 2)
        if first < 1 or last > 65535 or not self._pairs:
            raise ValueError(f"expected an even port and the next within 1-65535, got {first}-{last}")
        self._free = deque(self._pairs)
        self._used: set[int] = set()
        self._resting: deque[tuple[float, int]] = deque()  # (since, port), in the order of their time

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and port & ~1 in self._used

    @property
    def in_use(self) -> int:
        """How many pairs are given out."""
        return len(self._used)

    def allocate(self, now: float) -> int:
        """Return the even port of a pair that is now the caller's.

        Raises:
            PortsExhaustedError: none is free.
        """
        while self._resting and now - self._resting[0][0] >= REST:
            self._free.append(self._resting.popleft()[1])
        if not self._free and self._resting and now - self._resting[0][0] >= SHORTEST_REST:
            self._free.append(self._resting.popleft()[1])
        if not self._free:
            raise PortsExhaustedError(self._pairs)
        port = self._free.popleft()
        self._used.add(port)
        return port

    def release(self, port: int, now: float, *, told: bool = True) -> None:
        """Give a pair back by its even port; ``told``: somebody knows the number and may send there.

        Raises:
            KeyError: it is not in use.
        """
        self._used.remove(port)
        if told:
            self._resting.append((now, port))
        else:
            self._free.append(port)
