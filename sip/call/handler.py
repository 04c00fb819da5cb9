"""What a call tells its owner, and how the owner says no to an offer."""

from typing import Protocol

from config.outcome import Outcome, PasserelleError
from media.sdp import SessionDescription
from sip.reasons import Mismatch, warning_header
from sip.transport import Path, hostport


class NotAcceptable(PasserelleError):  # noqa: N818 - the RFC's word (488)
    """An offer of theirs cannot be answered; the session stays as it was.

    ``mismatch`` and the message go into the Warning of the 488, for whoever sets up the other side.
    """

    def __init__(
        self, message: str = "the session cannot be changed now", mismatch: Mismatch = Mismatch.OTHER
    ) -> None:
        super().__init__(message, outcome=Outcome.NO_CODEC)
        self.mismatch = mismatch

    def header(self, path: Path) -> tuple[str, str]:
        """The Warning, as we are called on that path."""
        return "Warning", warning_header(hostport(path.local), self.mismatch, str(self))


class CallHandler(Protocol):
    """The owner of a call. Nothing is called after ``ended``."""

    def confirmed(self, answer: SessionDescription | None) -> None:
        """The ACK of an inbound call is there; ``answer`` is the far side's when the offer was ours."""

    def offered(self, offer: SessionDescription) -> SessionDescription:
        """They want to change the session; return the answer or raise :class:`NotAcceptable`."""

    def offer_wanted(self) -> SessionDescription:
        """They sent a re-INVITE without an offer; return a full one."""

    def answered(self, answer: SessionDescription) -> None:
        """The answer to an offer of ours: our INVITE's, our re-INVITE's, or to ``offer_wanted``."""

    def info(self, content_type: str, body: bytes) -> bool:
        """An INFO; False when nothing is known of that type (415)."""

    def ended(self, outcome: Outcome) -> None:
        """The call is over: exactly once, however it ends, also from within ``hang_up`` and ``refuse``."""


class Nobody:
    """The handler of a call that has no owner yet."""

    def confirmed(self, answer: SessionDescription | None) -> None:
        """Nobody to tell."""

    def offered(self, offer: SessionDescription) -> SessionDescription:
        """Nobody to ask."""
        raise NotAcceptable

    def offer_wanted(self) -> SessionDescription:
        """Nobody to ask."""
        raise NotAcceptable

    def answered(self, answer: SessionDescription) -> None:
        """Nobody to tell."""

    def info(self, content_type: str, body: bytes) -> bool:
        """Nobody to ask."""
        return False

    def ended(self, outcome: Outcome) -> None:
        """Nobody to tell."""
