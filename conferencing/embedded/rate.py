"""How much a page may ask of us: what its messages cost of its session's bucket of tokens.

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
