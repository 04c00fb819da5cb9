"""The states of a transport, and why one ends.

::

    NEW       --CONNECT--> CHECKING     signalling has described the peer
    NEW       --CLOSE----> CLOSED
    CHECKING  --SECURED--> CONNECTED    the handshake is done, there are keys
    CHECKING  --CLOSE----> CLOSED
    CHECKING  --LOST-----> CLOSED
    CONNECTED --CLOSE----> CLOSED
    CONNECTED --LOST-----> CLOSED

LOST is 15 s without consent, the peer's closing alert, or 30 s without a connection.
"""

from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Final


class TransportState(Enum):
    """See the diagram."""

    NEW = auto()
    CHECKING = auto()
    CONNECTED = auto()
    CLOSED = auto()


class Event(Enum):
    """What moves a transport on."""

    CONNECT = auto()
    SECURED = auto()
    CLOSE = auto()
    LOST = auto()


TRANSITIONS: Final = MappingProxyType(
    {
        (TransportState.NEW, Event.CONNECT): TransportState.CHECKING,
        (TransportState.NEW, Event.CLOSE): TransportState.CLOSED,
        (TransportState.CHECKING, Event.SECURED): TransportState.CONNECTED,
        (TransportState.CHECKING, Event.CLOSE): TransportState.CLOSED,
        (TransportState.CHECKING, Event.LOST): TransportState.CLOSED,
        (TransportState.CONNECTED, Event.CLOSE): TransportState.CLOSED,
        (TransportState.CONNECTED, Event.LOST): TransportState.CLOSED,
    }
)


class Reason(StrEnum):
    """Why a transport has closed."""

    CLOSED = "closed"  # by us
    CLOSED_BY_PEER = "closed by the peer"
    NO_CONNECTION = "no connection"  # no path in time, or no handshake
    NO_CONSENT = "no consent"  # there was a path, and it is silent
    NO_PROFILE = "no SRTP profile in common"
    INTERNAL_ERROR = "internal error"  # a bug of ours; the log has the trace


class TransportError(Exception):
    """The method is not for this state, or its argument is not usable; nothing has changed."""
