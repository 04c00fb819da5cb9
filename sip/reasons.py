"""SIP's words for how things end: one row for each outcome, one phrase for each status.

An outcome refuses an INVITE with a status (RFC 3261 section 21) and ends a call that stands with a BYE;
both carry a Reason header (RFC 3326) with the ISDN's cause (Q.850), since that is what PBXs and SBCs show
and count. The pairs follow RFC 3398 section 8.2.6.1 where it has one.

503 is for what concerns all callers, and has a Retry-After: an SBC that gets it stops using us for that
time and tries another gateway. What concerns one caller must never be 503: too many calls from one address
is "busy" (486).
"""

from dataclasses import dataclass
from enum import IntEnum

from config.outcome import Outcome
from sip.headers import quote


@dataclass(frozen=True, slots=True)
class Ending:
    """How SIP says an outcome: ``cause`` is Q.850's, ``retry_after`` in seconds."""

    status: int
    cause: int
    text: str
    retry_after: int | None = None


ENDINGS = {
    Outcome.COMPLETED: Ending(480, 16, "Normal call clearing"),
    Outcome.LEFT: Ending(480, 16, "Left by the keypad"),
    Outcome.CANCELLED: Ending(487, 16, "Cancelled by the caller"),
    Outcome.BAD_REQUEST: Ending(400, 95, "Invalid message"),
    Outcome.NOT_FOUND: Ending(404, 1, "Nobody answers to that name"),
    Outcome.WRONG_PIN: Ending(403, 21, "Wrong PIN"),
    Outcome.NO_PIN: Ending(403, 21, "No PIN"),
    Outcome.NO_CODEC: Ending(488, 65, "No codec in common"),
    Outcome.BUSY: Ending(486, 17, "Busy"),
    Outcome.DECLINED: Ending(603, 21, "Declined"),
    Outcome.NO_ANSWER: Ending(480, 19, "No answer"),
    Outcome.NO_ACK: Ending(408, 102, "No ACK"),
    Outcome.NO_MEDIA: Ending(480, 102, "No media"),
    Outcome.TRANSPORT: Ending(480, 38, "Peer out of reach"),
    Outcome.PIN_THROTTLED: Ending(403, 21, "Too many wrong PINs"),
    Outcome.ROOM_FULL: Ending(486, 17, "The meeting is full"),
    Outcome.ROOM_LOCKED: Ending(403, 21, "The meeting is locked"),
    Outcome.REMOVED: Ending(403, 21, "Removed from the meeting"),
    Outcome.MEETING_ENDED: Ending(480, 16, "The meeting has ended"),
    Outcome.SOURCE_LIMIT: Ending(486, 17, "Too many calls from this address"),
    Outcome.OVERLOADED: Ending(503, 42, "Too many calls", retry_after=10),
    Outcome.DRAINING: Ending(503, 41, "Going out of service", retry_after=60),
    Outcome.UNAVAILABLE: Ending(503, 41, "Temporary failure", retry_after=10),
    Outcome.INTERNAL: Ending(500, 41, "Internal error"),
}


_REFUSALS = {
    400: Outcome.BAD_REQUEST,
    403: Outcome.DECLINED,
    404: Outcome.NOT_FOUND,
    408: Outcome.NO_ANSWER,
    410: Outcome.NOT_FOUND,
    415: Outcome.NO_CODEC,
    480: Outcome.NO_ANSWER,
    484: Outcome.NOT_FOUND,
    485: Outcome.NOT_FOUND,
    486: Outcome.BUSY,
    487: Outcome.CANCELLED,
    488: Outcome.NO_CODEC,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    604: Outcome.NOT_FOUND,
    606: Outcome.NO_CODEC,
    607: Outcome.DECLINED,  # RFC 8197, "unwanted"
}


_OURS = {415: Outcome.NO_CODEC, 500: Outcome.INTERNAL}


def outcome_of(status: int) -> Outcome:
    """How a call of ours has ended that was refused with this status.

    What is not listed concerns the way there (3xx is not followed, 5xx, loops, credentials): not the person.
    """
    return _REFUSALS.get(status, Outcome.TRANSPORT)


def outcome_of_refusal(status: int) -> Outcome:
    """Why a call that came in was refused with this status before anybody looked at whom it is for."""
    return _OURS.get(status, Outcome.BAD_REQUEST)


def status_of(outcome: Outcome) -> int:
    """The status that refuses an INVITE."""
    return ENDINGS[outcome].status


def retry_after_of(outcome: Outcome) -> int | None:
    """After how many seconds to try again, where the refusal should say so."""
    return ENDINGS[outcome].retry_after


def reason_header(outcome: Outcome) -> str:
    """The value of a Reason header, for a refusal or a BYE."""
    ending = ENDINGS[outcome]
    return f'Q.850;cause={ending.cause};text="{ending.text}"'


class Mismatch(IntEnum):
    """What in a session description does not fit: the codes of Warning (RFC 3261 section 20.43)."""

    ADDRESS = 301
    TRANSPORT = 302
    MEDIA = 304
    FORMAT = 305
    OTHER = 399


def warning_header(agent: str, code: Mismatch, text: str) -> str:
    """The value of a Warning header; ``agent`` is the host that warns."""
    return f"{code} {agent} {quote(text)}"


PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""The phrase of each status, as its RFC spells it."""
