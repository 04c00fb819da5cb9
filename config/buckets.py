"""Buckets of tokens, refilled as time passes: so much in the long run, and so much at once.

:class:`Bucket` is one; :class:`Buckets` are one for each of very many, in bounded memory.
"""

from collections import OrderedDict


class Bucket:
    """``refill`` tokens a second, ``depth`` of them at most and at first; times in seconds."""

    __slots__ = ("_at", "_depth", "_refill", "_tokens")

    def __init__(self, now: float, *, refill: float, depth: float) -> None:
        self._refill = refill
        self._depth = depth
        self._tokens = depth
        self._at = now

    def take(self, tokens: float, now: float) -> bool:
        """Take so many if they are there."""
        self._fill(now)
        if tokens > self._tokens:
            return False
        self._tokens -= tokens
        return True

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until so many are there; 0 if they are."""
        self._fill(now)
        return max(0.0, (tokens - self._tokens) / self._refill)

    def spend(self, tokens: float, now: float) -> None:
        """Take so many in any case: what is missing is a debt, paid before anything else is taken."""
        self._fill(now)
        self._tokens -= tokens

    def _fill(self, now: float) -> None:
        self._tokens = min(self._depth, self._tokens + max(0.0, now - self._at) * self._refill)
        self._at = now


class Buckets:
    """Like buckets by name. At most ``most`` are kept, those longest unused going first."""

    def __init__(self, *, refill: float, depth: float, most: int) -> None:
        self._refill = refill
        self._depth = depth
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, name: str, now: float) -> Bucket:
        """The bucket of that name, a full one if there was none."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(now, refill=self._refill, depth=self._depth)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket
