"""How a call can end, and whose fault it was: one taxonomy for logs, metrics and SIP answers.

Every error that crosses a floor carries an :class:`Outcome`. Its value is the ``outcome`` label of
``passerelle_calls_total``; ``sip.reasons`` maps it to a SIP status code, ``gateway.web`` to an HTTP one.
"""

from enum import Enum


class Fault(Enum):
    """Whose fault an outcome is."""

    NOBODY = "nobody"
    CALLER = "caller"
    US = "us"
    FAR_SIDE = "far_side"
    POLICY = "policy"


class Outcome(Enum):
    """How a call ended. ``label`` is the metric label, ``fault`` whose fault it was."""

    COMPLETED = ("completed", Fault.NOBODY)  # someone hung up after a normal call
    LEFT = ("left", Fault.NOBODY)  # the caller left by the keypad
    CANCELLED = ("cancelled", Fault.CALLER)  # CANCEL, or hung up before the answer
    BAD_REQUEST = ("bad_request", Fault.CALLER)
    NOT_FOUND = ("not_found", Fault.CALLER)  # nobody answers to that name
    WRONG_PIN = ("wrong_pin", Fault.CALLER)  # out of tries
    NO_PIN = ("no_pin", Fault.CALLER)  # said nothing
    NO_CODEC = ("no_codec", Fault.CALLER)  # nothing in the offer that we speak
    BUSY = ("busy", Fault.NOBODY)  # whom we called is in another call
    DECLINED = ("declined", Fault.NOBODY)  # whom we called does not want to talk
    NO_ANSWER = ("no_answer", Fault.NOBODY)  # whom we called did not pick up
    NO_ACK = ("no_ack", Fault.FAR_SIDE)  # 64*T1 without an ACK (RFC 3261 section 13.3.1.4)
    NO_MEDIA = ("no_media", Fault.FAR_SIDE)  # media time-out
    TRANSPORT = ("transport", Fault.FAR_SIDE)  # could not be reached any more
    PIN_THROTTLED = ("pin_throttled", Fault.POLICY)
    ROOM_FULL = ("room_full", Fault.POLICY)
    ROOM_LOCKED = ("room_locked", Fault.POLICY)
    REMOVED = ("removed", Fault.POLICY)  # or not let in, by a host
    MEETING_ENDED = ("meeting_ended", Fault.NOBODY)  # for all, by a host
    SOURCE_LIMIT = ("source_limit", Fault.POLICY)  # too many calls from one address
    OVERLOADED = ("overloaded", Fault.US)  # too many calls for this process
    DRAINING = ("draining", Fault.US)  # refused or ended because we are stopping
    UNAVAILABLE = ("unavailable", Fault.US)  # directory, database or engine did not answer
    INTERNAL = ("internal", Fault.US)  # a bug; the log has the trace

    def __init__(self, label: str, fault: Fault) -> None:
        self.label = label
        self.fault = fault


class PasserelleError(Exception):
    """An error that knows its outcome and tells people what to do next."""

    def __init__(self, message: str, *, outcome: Outcome, hint: str = "") -> None:
        super().__init__(message)
        self.outcome = outcome
        self.hint = hint
