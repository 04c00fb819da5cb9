"""How much a page may ask of us: what its messages cost of its session's bucket of tokens.

What costs others something, or us much, costs more tokens. A page that behaves never notices. A message pays
for its length before it is read, and for its type when that is known: an offer of Chromium, 82,000
characters, pays 20 + 10 and takes about 7 ms of the loop.
"""

from conferencing.embedded import messages
from conferencing.embedded.messages import MOST_LENGTH, MOST_SDP, Error, Message

REFILL = 20.0
"""Tokens a second."""
DEPTH = 170.0
"""Three of the largest offers in a row: with 25 tiles Chromium's has 186,000 characters."""
RESUME = 20.0
"""What coming back costs: the page is told all there is to know."""

COSTS: dict[type[Message | Error], float] = {
    messages.Offer: 10,
    messages.SendChat: 10,
    messages.SendReaction: 5,
    messages.RaiseHand: 5,
    messages.Rename: 10,
    messages.Media: 3,
}


def weight(text: str) -> int:
    """What reading a message costs, in tokens; what is too long for any is not read."""
    return min(len(text), 2 * MOST_SDP) // MOST_LENGTH


def cost(message: Message | Error) -> float:
    """In tokens."""
    return COSTS.get(type(message), 1.0)
