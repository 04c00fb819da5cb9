"""A call as its owner sees it: its life from the first message to the last.

A call does no I/O: it asks :class:`Signalling` to send and is told what came. Its deadlines
stand on the user agent's agenda. Offers and answers are :mod:`sip.call.session`'s, the two ways to begin are
:mod:`sip.call.inbound`'s and :mod:`sip.call.outbound`'s.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from enum import Enum, auto
from random import Random
from typing import ClassVar, Protocol

import structlog

from config.outcome import Outcome
from media.sdp import SessionDescription
from sip.auth import DigestClient
from sip.body import SDP
from sip.call.handler import CallHandler, Nobody, NotAcceptable
from sip.call.states import OVER, TABLE, CallEvent, CallState, Direction, IllegalCall
from sip.capabilities import ACCEPT_INFO, ALLOW, IN_OPTIONS
from sip.dialog import Dialog, DialogId
from sip.exchange import Exchange
from sip.message import Request, Response, respond
from sip.reasons import reason_header
from sip.transaction import ServerTransaction
from sip.transport import Path, Source
from sip.uri import Uri

log = structlog.get_logger(__name__)


class Alarm(Enum):
    """What a call waits for."""

    REPEAT_ANSWER = auto()
    NO_ACK = auto()
    OFFER_AGAIN = auto()
    NO_FINAL = auto()
    EXPIRED = auto()


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
        flow: Path | None,
        next_cseq: Callable[[], int],
        auth: DigestClient | None,
    ) -> Exchange:
        """A request for ``flow`` or ``next_hop``, sent when the exchange is started.

        Responses, also those made up for silence, go to ``on_response``. With ``auth`` a challenge is
        answered by the request once more, numbered anew by ``next_cseq``.
        """

    def acknowledge(self, ack: Request, next_hop: Uri, *, flow: Path | None) -> None:
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


class Call(ABC):
    """A call, as its owner sees it.

    After the end every method does nothing: the far side may have hung up a moment ago. Asking for something
    else that the state does not allow raises :class:`IllegalCall`.
    """

    direction: ClassVar[Direction]

    def __init__(self, call_id: str, signalling: Signalling, invite: Request, state: CallState) -> None:
        self.id = call_id
        self.invite = invite
        self.state = state
        self.handler: CallHandler = Nobody()
        self.received_at = signalling.now()
        self.offer: SessionDescription | None = None
        self.dialog: Dialog | None = None
        self.outcome: Outcome | None = None
        self.log = log.bind(call=call_id)
        self._signalling = signalling
        self._auth: DigestClient | None = None
        self._flow: Path | None = None  # where requests go, if not where the dialog leads
        self._alarms: dict[Alarm, float] = {}

    @property
    @abstractmethod
    def source(self) -> Source:
        """Where the far side's messages really come from."""

    @property
    @abstractmethod
    def local_host(self) -> str:
        """Our address as the far side may know it: never 0.0.0.0."""

    # What the owner asks

    @property
    def over(self) -> bool:
        """Whether the call has ended for its handler."""
        return self.state in OVER

    def ring(self) -> None:
        """Say 180 (inbound)."""
        raise IllegalCall("only a call that came in can ring")

    def answer(self, sdp: SessionDescription) -> None:
        """Say 200 (inbound), with the answer to the offer, or with our offer when theirs is late."""
        raise IllegalCall("only a call that came in can be answered")

    def refuse(
        self, outcome: Outcome, *, retry_after: int | None = None, because: NotAcceptable | None = None
    ) -> None:
        """Decline the call (inbound); ``retry_after`` in seconds, ``because`` what the offer lacked."""
        raise IllegalCall("only a call that came in can be refused")

    def hang_up(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        """End the call: refusal, CANCEL or BYE, as the state asks. The far side is not waited for."""
        if self.over:
            return
        self._step(CallEvent.HANG_UP)
        self._finish(outcome)
        if self.state is CallState.CLOSING:
            self._bye(outcome)

    @abstractmethod
    def reoffer(self, sdp: SessionDescription) -> None:
        """Change the session by a re-INVITE, as soon as no other offer is under way; the latest counts."""

    # What the far side asks

    def receive(self, request: Request, transaction: ServerTransaction) -> None:
        """Take a request of the dialog that is no ACK and no CANCEL."""
        if self.dialog is None or not self.dialog.takes(request):
            self._respond(transaction, 500, "CSeq Out of Order")
            return
        self._follow(transaction.path)
        match request.method:
            case "BYE":
                self._respond(transaction, 200)
                self.receive_bye()
            case _ if self.over:
                self._respond(transaction, 481)
            case "INVITE" | "UPDATE":
                self._receive_offer(request, transaction)
            case "INFO":
                self._receive_info(request, transaction)
            case "OPTIONS":
                self._respond(transaction, 200, headers=IN_OPTIONS)
            case _:
                self._respond(transaction, 405, headers=[("Allow", ALLOW)])

    def receive_bye(self) -> None:
        """They hang up. It may cross our own BYE."""
        self._step(CallEvent.GONE)
        self._finish(Outcome.COMPLETED)
        if self.state is CallState.ENDED:
            self._forget()

    @abstractmethod
    def receive_ack(self, ack: Request) -> None:
        """Take the ACK of a 2xx."""

    @abstractmethod
    def _receive_offer(self, request: Request, transaction: ServerTransaction) -> None:
        """A re-INVITE or UPDATE."""

    def _receive_info(self, request: Request, transaction: ServerTransaction) -> None:
        """DTMF and the like; an empty INFO asks whether we are alive (RFC 2976, RFC 6086)."""
        if "Info-Package" in request.headers:
            self._respond(transaction, 469, "Bad Info Package", headers=[("Recv-Info", "")])
        elif not request.body or self.handler.info(request.content_type or "", request.body):
            self._respond(transaction, 200)
        else:
            self._respond(transaction, 415, headers=[("Accept", ACCEPT_INFO)])

    # Time

    @property
    def next_deadline(self) -> float:
        """When :meth:`expire` wants to be called; infinity for never."""
        return min(self._alarms.values(), default=math.inf)

    def expire(self, now: float) -> None:
        """Do whatever has become due."""
        for alarm in [alarm for alarm, when in self._alarms.items() if when <= now]:
            if self._alarms.pop(alarm, math.inf) <= now:
                self._ring_alarm(alarm, now)
        self._signalling.note(self)

    @abstractmethod
    def _ring_alarm(self, alarm: Alarm, now: float) -> None:
        """Do what was put off until now."""

    def _wait(self, alarm: Alarm, seconds: float) -> None:
        self._alarms[alarm] = self._signalling.now() + seconds
        self._signalling.note(self)

    # The end

    def _bye(self, outcome: Outcome) -> None:
        self._alarms.clear()
        if self.dialog is None:
            self._forget()
            return
        bye = self.dialog.request("BYE")
        bye.headers.add("Reason", reason_header(outcome))
        self._send(bye, self._bye_answered)

    def _bye_answered(self, response: Response) -> None:
        """Whatever they say, also nothing, the call is over (section 15.1.1)."""
        if response.status >= 200 and self.state is not CallState.ENDED:
            self._step(CallEvent.CLOSED)
            self._forget()

    def _finish(self, outcome: Outcome) -> None:
        """Tell the handler, once. Nothing that goes wrong there stops the signalling."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        seconds = self._signalling.now() - self.received_at
        self.log.info("call ended", outcome=outcome.label, seconds=round(seconds, 1))
        self._signalling.ended(self, outcome)

    def _forget(self) -> None:
        self._alarms.clear()
        self._hold(None)
        self._signalling.forget(self)

    # The path

    def _hold(self, flow: Path | None) -> None:
        """Keep a connection open and send requests along it, or let go of it."""
        if flow is not None:
            flow.hold()
        if self._flow is not None:
            self._flow.release()
        self._flow = flow

    def _follow(self, path: Path) -> None:
        """They have made a new connection: theirs is the one that passes their firewall."""
        if path.reliable and path is not self._flow:
            self._hold(path)

    # Words

    def _send(self, request: Request, on_response: Callable[[Response], None]) -> None:
        """Send a request of the dialog."""
        if self.dialog is not None:
            self._signalling.request(
                self,
                request,
                self.dialog.next_hop,
                on_response,
                flow=self._flow,
                next_cseq=self.dialog.next_cseq,
                auth=self._auth,
            ).start()

    def _step(self, event: CallEvent) -> None:
        try:
            self.state = TABLE[self.state, event]
        except KeyError:
            raise IllegalCall(f"{event.name} in {self.state.name}") from None

    def _respond(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        sdp: bytes | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        response = respond(
            transaction.request,
            status,
            reason,
            to_tag=self.local_tag,
            headers=headers,
            body=sdp or b"",
            content_type=SDP if sdp else None,
        )
        self._signalling.respond(transaction, response)
        return response

    @property
    def local_tag(self) -> str:
        """Our end of the dialog."""
        return (self.dialog.local.tag or "") if self.dialog is not None else ""
