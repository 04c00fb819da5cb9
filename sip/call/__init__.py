"""The call, all that the bridge sees of SIP (RFC 3261 sections 13 to 15)."""

from sip.call.base import Call, Signalling
from sip.call.handler import CallHandler, Nobody, NotAcceptable
from sip.call.inbound import InboundCall
from sip.call.outbound import OutboundCall
from sip.call.states import CallState, Direction, IllegalCall
from sip.reasons import Mismatch
from sip.transport import Source

__all__ = [
    "Call",
    "CallHandler",
    "CallState",
    "Direction",
    "IllegalCall",
    "InboundCall",
    "Mismatch",
    "Nobody",
    "NotAcceptable",
    "OutboundCall",
    "Signalling",
    "Source",
]
