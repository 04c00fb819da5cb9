"""A bucket of tokens, refilled as time passes: so much in the long run, and so much at once."""


class Bucket:
    """``refill`` tokens a second, ``depth`` of them at most and at first; times in seconds."""

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

    def spend(self, tokens: float, now: float) -> None:
        """Take so many in any case: what is missing is a debt, paid before anything else is taken."""
        self._fill(now)
        self._tokens -= tokens

    def _fill(self, now: float) -> None:
        self._tokens = min(self._depth, self._tokens + max(0.0, now - self._at) * self._refill)
        self._at = now
