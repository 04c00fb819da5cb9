"""Brakes on what one source asks of the doors: a bucket of tokens for each.

What a source is stands in ``config.sources``; of IPv6 a /48 counts, as much as one subscriber may be given.
Trusted networks, where one address is very many people, are not braked. Memory is bounded: at most
``MOST_SOURCES`` are kept, those longest unused going first.
"""

from collections.abc import Callable, Sequence

from config.buckets import Bucket, Buckets
from config.outcome import Outcome, PasserelleError
from config.sources import SUBSCRIBER_BITS, Network, counted_as

MOST_SOURCES = 10_000


class BrakedError(PasserelleError):
    """Too much was asked, and will be for ``wait`` seconds."""

    def __init__(self, message: str, wait: float, outcome: Outcome = Outcome.OVERLOADED) -> None:
        super().__init__(message, outcome=outcome)
        self.wait = wait


class Brakes:
    """``refill`` tokens a second for each source, ``depth`` at most and at first; ``clock``: seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        trusted: Sequence[Network],
        *,
        refill: float,
        depth: float,
        most: int = MOST_SOURCES,
    ) -> None:
        self._clock = clock
        self._trusted = trusted
        self._buckets = Buckets(refill=refill, depth=depth, most=most)

    def take(self, source: str) -> bool:
        """Take a token of this address, if one is there."""
        bucket = self._bucket(source)
        return bucket is None or bucket.take(1.0, self._clock())

    def wait(self, source: str) -> float:
        """Seconds until there is a token for this address; 0 if there is one."""
        bucket = self._bucket(source)
        return 0.0 if bucket is None else bucket.wait(1.0, self._clock())

    def spend(self, source: str, tokens: float) -> None:
        """Take so many of this address in any case: a debt is paid before anything else is taken."""
        bucket = self._bucket(source)
        if bucket is not None:
            bucket.spend(tokens, self._clock())

    def _bucket(self, source: str) -> Bucket | None:
        name = counted_as(source, self._trusted, bits=SUBSCRIBER_BITS)
        return None if name is None else self._buckets.of(name, self._clock())
