"""A brake per sender, cheap enough to stand before the parser.

A message costs its sender a token for every ``OCTETS`` it has, one at least, since that is what reading it
costs us; a bucket refills at ``rate`` a second and holds ``burst``: more than any honest sender needs (a call
is three or four messages, five tokens), less than what would cost us the tick. A flood from one address is
dropped at the price of a dictionary access, and nobody else's tokens are touched. Only so
many senders are remembered, the longest silent is forgotten first: a flood with forged addresses costs a
bounded amount of memory, and what little each forged address sends is left to the limits on calls. Senders
are told apart as in ``config.sources``; trusted networks (an SBC, our own) have no brake.

No I/O; time is an argument, in seconds.
"""

from collections.abc import Iterable
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from config.buckets import Buckets
from config.sources import counted_as

OCTETS: Final = 500


class Guard:
    """Token buckets by sender."""

    def __init__(
        self,
        *,
        rate: float = 1_500.0,
        burst: float = 3_000.0,
        trusted: Iterable[IPv4Network | IPv6Network] = (),
        remembered: int = 10_000,
    ) -> None:
        self.dropped = 0
        self._buckets = Buckets(refill=rate, depth=burst, most=remembered)
        self._name = lru_cache(maxsize=4096)(partial(counted_as, trusted=tuple(trusted)))

    def admits(self, host: str, octets: int, now: float) -> bool:
        """Whether a message of that length from this address may be parsed."""
        name = self._name(host)
        if name is None:
            return True
        admitted = self._buckets.of(name, now).take(max(1.0, octets / OCTETS), now)
        self.dropped += not admitted
        return admitted
