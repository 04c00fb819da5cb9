"""What a call tells its owner, and what it asks of the user agent: two Protocols and an error."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Protocol

from config.outcome import Outcome, PasserelleError
from media.sdp import SessionDescription
from sip.auth import DigestClient
from sip.dialog import DialogId
from sip.message import Request, Response
from sip.reasons import Mismatch, warning_header
from sip.transaction import ServerTransaction
from sip.transport import hostport
from sip.uri import Uri

if TYPE_CHECKING:
    from sip.call.base import Call
    from sip.exchange import Exchange
    from sip.transport import Path


class NotAcceptable(PasserelleError):  # noqa: N818 - the RFC's word (488)
    """An offer of theirs cannot be answered; the session stays as it was.

    ``mismatch`` and the message go into the Warning of the 488, for whoever sets up the other side.
    """

    def __init__(
        self, message: str = "the session cannot be changed now", mismatch: Mismatch = Mismatch.OTHER
    ) -> None:
        super().__init__(message, outcome=Outcome.NO_CODEC)
        self.mismatch = mismatch

    def header(self, path: "Path") -> tuple[str, str]:
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


class Signalling(Protocol):
    """What a call asks of the user agent."""

    random: Random

    def now(self) -> float:
        """Seconds of the monotonic clock."""

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Send a response."""

    def request(
        self,
        call: "Call",
        request: Request,
        next_hop: Uri,
        on_response: Callable[[Response], None],
        *,
        flow: "Path | None",
        next_cseq: Callable[[], int],
        auth: DigestClient | None,
    ) -> "Exchange":
        """A request for ``flow`` or ``next_hop``, sent when the exchange is started.

        Responses, also those made up for silence, go to ``on_response``. With ``auth`` a challenge is
        answered by the request once more, numbered anew by ``next_cseq``.
        """

    def acknowledge(self, ack: Request, next_hop: Uri, *, flow: "Path | None") -> None:
        """Send the ACK of a 2xx."""

    def new_token(self) -> str:
        """A random token, for tags and Call-IDs."""

    def note(self, call: "Call") -> None:
        """The call's next deadline may have changed."""

    def established(self, call: "Call", dialog: DialogId) -> None:
        """Requests of this dialog are the call's."""

    def ended(self, call: "Call", outcome: Outcome) -> None:
        """The call is over: tell its handler. Raises nothing."""

    def forget(self, call: "Call") -> None:
        """The call's signalling is over too."""
