"""How much a page may ask of us: a bucket of tokens for each session, refilled as time passes.

What costs others something, or us much, costs more tokens. A page that behaves never notices.
"""

from conferencing.embedded import messages
from conferencing.embedded.messages import Error, Message

REFILL = 20.0
"""Tokens a second."""
DEPTH = 100.0

COSTS: dict[type[Message | Error], float] = {
    messages.Offer: 20,
    messages.SendChat: 10,
    messages.SendReaction: 5,
    messages.RaiseHand: 5,
    messages.Rename: 10,
    messages.Media: 3,
}


def cost(message: Message | Error) -> float:
    """In tokens."""
    return COSTS.get(type(message), 1.0)


class Bucket:
    """The tokens of one session; times in seconds."""

    def __init__(self, now: float, *, refill: float = REFILL, depth: float = DEPTH) -> None:
        self._refill = refill
        self._depth = depth
        self._tokens = depth
        self._at = now

    def take(self, tokens: float, now: float) -> bool:
        """Take so many if they are there."""
        self._tokens = min(self._depth, self._tokens + max(0.0, now - self._at) * self._refill)
        self._at = now
        if tokens > self._tokens:
            return False
        self._tokens -= tokens
        return True
