"""The life of a call (RFC 3261 sections 13 to 15), theirs and ours in one table.

A call from them. ANSWERED is a 200 without its ACK; who hangs up there must wait for it (section 15)::

    RECEIVED   --RING------> RINGING
    RECEIVED   --ANSWER----> ANSWERED
    RECEIVED   --REFUSE----> ENDED         the final response says why
    RECEIVED   --GONE------> ENDED         CANCEL, or BYE this early
    RINGING    --RING------> RINGING
    RINGING    --ANSWER----> ANSWERED
    RINGING    --REFUSE----> ENDED
    RINGING    --GONE------> ENDED
    ANSWERED   --ACK-------> CONFIRMED
    ANSWERED   --HANG_UP---> LEAVING       BYE as soon as the ACK is there
    ANSWERED   --NO_ACK----> CLOSING       BYE
    ANSWERED   --GONE------> ENDED         BYE before the ACK
    LEAVING    --ACK-------> CLOSING       BYE
    LEAVING    --NO_ACK----> CLOSING       BYE
    LEAVING    --GONE------> ENDED

A call of ours. CANCELLING waits for the final response, which may be a 200 that crossed the CANCEL::

    CALLING    --RING------> RINGING_FAR
    CALLING    --ACCEPTED--> CONFIRMED     ACK
    CALLING    --REFUSED---> ENDED
    CALLING    --HANG_UP---> CANCELLING    CANCEL once anybody has answered at all
    RINGING_FAR --RING-----> RINGING_FAR
    RINGING_FAR --ACCEPTED-> CONFIRMED
    RINGING_FAR --REFUSED--> ENDED
    RINGING_FAR --HANG_UP--> CANCELLING
    CANCELLING --RING------> CANCELLING
    CANCELLING --ACCEPTED--> CLOSING       ACK, BYE
    CANCELLING --REFUSED---> ENDED
    CANCELLING --CLOSED----> ENDED         nobody says anything any more

Both, once they stand. For its handler the call is over from the first of LEAVING, CANCELLING, CLOSING and
ENDED on; what follows is signalling that nobody waits for::

    CONFIRMED  --HANG_UP---> CLOSING       BYE
    CONFIRMED  --NO_ACK----> CLOSING       a re-INVITE's 200 was never acknowledged
    CONFIRMED  --GONE------> ENDED         their BYE
    CLOSING    --GONE------> CLOSING       BYE crosses BYE
    CLOSING    --CLOSED----> ENDED         answered, or nobody there
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Direction(Enum):
    """Who called."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallState(Enum):
    """Where a call stands."""

    RECEIVED = auto()
    RINGING = auto()
    ANSWERED = auto()
    LEAVING = auto()
    CALLING = auto()
    RINGING_FAR = auto()
    CANCELLING = auto()
    CONFIRMED = auto()
    CLOSING = auto()
    ENDED = auto()


class CallEvent(Enum):
    """What can happen to a call: the first four and HANG_UP by our will, the others by the far side's."""

    RING = auto()
    ANSWER = auto()
    REFUSE = auto()
    HANG_UP = auto()
    ACK = auto()
    NO_ACK = auto()
    GONE = auto()
    ACCEPTED = auto()
    REFUSED = auto()
    CLOSED = auto()


class IllegalCall(Exception):  # noqa: N818 - what happened, as in the transactions
    """The owner asked of a call what its state does not allow; nothing has changed."""


_S, _E = CallState, CallEvent

TABLE: Final[Mapping[tuple[CallState, CallEvent], CallState]] = {
    (_S.RECEIVED, _E.RING): _S.RINGING,
    (_S.RECEIVED, _E.ANSWER): _S.ANSWERED,
    (_S.RECEIVED, _E.REFUSE): _S.ENDED,
    (_S.RECEIVED, _E.GONE): _S.ENDED,
    (_S.RINGING, _E.RING): _S.RINGING,
    (_S.RINGING, _E.ANSWER): _S.ANSWERED,
    (_S.RINGING, _E.REFUSE): _S.ENDED,
    (_S.RINGING, _E.GONE): _S.ENDED,
    (_S.ANSWERED, _E.ACK): _S.CONFIRMED,
    (_S.ANSWERED, _E.HANG_UP): _S.LEAVING,
    (_S.ANSWERED, _E.NO_ACK): _S.CLOSING,
    (_S.ANSWERED, _E.GONE): _S.ENDED,
    (_S.LEAVING, _E.ACK): _S.CLOSING,
    (_S.LEAVING, _E.NO_ACK): _S.CLOSING,
    (_S.LEAVING, _E.GONE): _S.ENDED,
    (_S.CALLING, _E.RING): _S.RINGING_FAR,
    (_S.CALLING, _E.ACCEPTED): _S.CONFIRMED,
    (_S.CALLING, _E.REFUSED): _S.ENDED,
    (_S.CALLING, _E.HANG_UP): _S.CANCELLING,
    (_S.RINGING_FAR, _E.RING): _S.RINGING_FAR,
    (_S.RINGING_FAR, _E.ACCEPTED): _S.CONFIRMED,
    (_S.RINGING_FAR, _E.REFUSED): _S.ENDED,
    (_S.RINGING_FAR, _E.HANG_UP): _S.CANCELLING,
    (_S.CANCELLING, _E.RING): _S.CANCELLING,
    (_S.CANCELLING, _E.ACCEPTED): _S.CLOSING,
    (_S.CANCELLING, _E.REFUSED): _S.ENDED,
    (_S.CANCELLING, _E.CLOSED): _S.ENDED,
    (_S.CONFIRMED, _E.HANG_UP): _S.CLOSING,
    (_S.CONFIRMED, _E.NO_ACK): _S.CLOSING,
    (_S.CONFIRMED, _E.GONE): _S.ENDED,
    (_S.CLOSING, _E.GONE): _S.CLOSING,
    (_S.CLOSING, _E.CLOSED): _S.ENDED,
}

OVER: Final = frozenset({_S.LEAVING, _S.CANCELLING, _S.CLOSING, _S.ENDED})
"""The states in which the call is over for its handler."""
