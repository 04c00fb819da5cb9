"""What both directions of a call share: everything inside the dialog, once there is one.

The offers, both ways. The 200 to an INVITE is repeated end to end until its ACK comes, over TCP as well
(RFC 3261 section 13.3.1.4), because only the ACK proves that the far side has the answer; no ACK within
64·T1 ends the call with BYE. A re-INVITE that fails, theirs or ours, leaves the session as it was. Where two
offers meet (491) both sides wait a different random time: 2.1 to 4 s who made the call, up to 2 s who got it
(section 14.1).

A call does no I/O: it asks :class:`~sip.call.handler.Signalling` to send and is told what came. Its deadlines
stand on the user agent's agenda.
"""

import math
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import ClassVar

import structlog

from config.outcome import Outcome
from media.sdp import SdpError, SessionDescription
from sip.body import SDP, UnsupportedBody, session_in
from sip.call.handler import CallHandler, Nobody, NotAcceptable, Signalling
from sip.call.states import OVER, TABLE, CallEvent, CallState, Direction, IllegalCall
from sip.capabilities import ACCEPT, ACCEPT_INFO, ALLOW, IN_OPTIONS, IN_SESSION
from sip.dialog import Dialog
from sip.message import Request, Response, respond
from sip.offer_answer import OfferAnswer, OfferState
from sip.reasons import reason_header
from sip.transaction import PATIENCE, T1, T2, ServerTransaction
from sip.transport import Path, Source

log = structlog.get_logger(__name__)


class Alarm(Enum):
    """What a call waits for."""

    REPEAT_ANSWER = auto()
    NO_ACK = auto()
    OFFER_AGAIN = auto()
    NO_FINAL = auto()  # after CANCEL


class Unacknowledged:
    """A 200 of ours to an INVITE that waits for its ACK."""

    def __init__(self, transaction: ServerTransaction, response: Response, *, owes_answer: bool) -> None:
        self.transaction = transaction
        self.response = response
        self.owes_answer = owes_answer  # the offer was in our 200, the ACK brings the answer
        self.interval = T1

    @property
    def cseq(self) -> int:
        """Which ACK it waits for."""
        return self.transaction.request.cseq.number


class Call:
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
        self.source: Source
        self.local_host: str
        self.log = log.bind(call=call_id)
        self.offers = OfferAnswer(signalling.random.getrandbits(31))
        self._signalling = signalling
        self._flow: Path | None = None
        self._unacknowledged: Unacknowledged | None = None
        self._offering = False  # a re-INVITE of ours is under way
        self._wanted: SessionDescription | None = None  # to be offered when the line is free
        self._alarms: dict[Alarm, float] = {}

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

    def refuse(self, outcome: Outcome, *, retry_after: int | None = None) -> None:
        """Decline the call (inbound); ``retry_after`` in seconds."""
        raise IllegalCall("only a call that came in can be refused")

    def hang_up(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        """End the call: refusal, CANCEL or BYE, as the state asks. The far side is not waited for."""
        if self.over:
            return
        self._step(CallEvent.HANG_UP)
        self._finish(outcome)
        if self.state is CallState.CLOSING:
            self._bye(outcome)

    def reoffer(self, sdp: SessionDescription) -> None:
        """Change the session by a re-INVITE, as soon as no other offer is under way; the latest counts."""
        if not self.over:
            self._wanted = sdp
            self._offer_if_quiet()

    # What the far side asks

    def receive(self, request: Request, transaction: ServerTransaction) -> None:
        """Take a request of the dialog that is no ACK and no CANCEL."""
        if self.dialog is None or not self.dialog.takes(request):
            self._respond(transaction, 500, "CSeq Out of Order")
            return
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
        self._stop_repeating()
        self._step(CallEvent.GONE)
        self._finish(Outcome.COMPLETED)
        if self.state is CallState.ENDED:
            self._forget()

    def receive_ack(self, ack: Request) -> None:
        """Take an ACK of the dialog; one that nobody waits for is a repetition."""
        waiting = self._unacknowledged
        if waiting is None or ack.cseq.number != waiting.cseq:
            return
        self._stop_repeating()
        first = self.state in (CallState.ANSWERED, CallState.LEAVING)
        if first:
            self._step(CallEvent.ACK)
        if self.state is CallState.CLOSING:
            self._bye(self.outcome or Outcome.COMPLETED)
            return
        answer = self._answer_in(ack) if waiting.owes_answer else None
        if self.over:
            return
        if first:
            self.handler.confirmed(answer)
        elif answer is not None:
            self.handler.answered(answer)
        self._offer_if_quiet()

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

    def _ring_alarm(self, alarm: Alarm, now: float) -> None:
        match alarm:
            case Alarm.REPEAT_ANSWER if self._unacknowledged is not None:
                waiting = self._unacknowledged
                self._signalling.respond(waiting.transaction, waiting.response)
                waiting.interval = min(waiting.interval * 2, T2)
                self._alarms[Alarm.REPEAT_ANSWER] = now + waiting.interval
            case Alarm.NO_ACK:
                self._stop_repeating()
                self._step(CallEvent.NO_ACK)
                self._finish(Outcome.NO_ACK)
                self._bye(Outcome.NO_ACK)
            case Alarm.OFFER_AGAIN:
                self._offer_if_quiet()

    def _wait(self, alarm: Alarm, seconds: float) -> None:
        self._alarms[alarm] = self._signalling.now() + seconds
        self._signalling.note(self)

    # Offers of theirs

    def _receive_offer(self, request: Request, transaction: ServerTransaction) -> None:
        """A re-INVITE or UPDATE (section 14.2, RFC 3311 section 5.2)."""
        invite = request.method == "INVITE"
        if (invite and self._unacknowledged is not None) or self.offers.state is OfferState.THEIRS:
            seconds = self._signalling.random.randint(0, 10)
            self._respond(transaction, 500, headers=[("Retry-After", str(seconds))])
            return
        if self._offering or self.offers.state is OfferState.OURS:
            self._respond(transaction, 491)
            return
        if self._signalling_only(request):
            self._accept(request, transaction, None)
            return
        try:
            sdp, owes_answer = self._negotiate(request)
        except UnsupportedBody:
            self._respond(transaction, 415, headers=[("Accept", ACCEPT)])
        except SdpError as error:
            self._respond(transaction, 400, "Malformed Session Description")
            self.log.info("offer not understood", problem=str(error))
        except NotAcceptable as error:
            self._respond(transaction, 488)
            self.log.info("offer refused", problem=str(error))
        else:
            self._accept(request, transaction, sdp, owes_answer=owes_answer)

    def _signalling_only(self, request: Request) -> bool:
        """An UPDATE without a body only refreshes the target."""
        return request.method == "UPDATE" and not request.body.strip()

    def _negotiate(self, request: Request) -> tuple[SessionDescription | None, bool]:
        """What our 200 carries, and whether it is an offer."""
        offer = session_in(request)
        if offer is None:
            if request.method == "UPDATE":
                return None, False
            return self.offers.send_offer(self.handler.offer_wanted()), True
        self.offers.receive_offer(offer)
        try:
            return self.offers.send_answer(self.handler.offered(offer)), False
        finally:
            self.offers.fail()  # unless answered

    def _accept(
        self,
        request: Request,
        transaction: ServerTransaction,
        sdp: SessionDescription | None,
        *,
        owes_answer: bool = False,
    ) -> None:
        """Say 200 to a re-INVITE or UPDATE."""
        if self.over:  # the handler hung up when asked
            self._respond(transaction, 481)
            return
        if self.dialog is not None:
            self.dialog.refresh(request)
        response = self._respond(transaction, 200, sdp=sdp, headers=self._session_headers(transaction))
        if request.method == "INVITE":
            self._await_ack(transaction, response, owes_answer=owes_answer)

    def _receive_info(self, request: Request, transaction: ServerTransaction) -> None:
        """DTMF and the like; an empty INFO asks whether we are alive (RFC 2976, RFC 6086)."""
        if "Info-Package" in request.headers:
            self._respond(transaction, 469, "Bad Info Package", headers=[("Recv-Info", "")])
        elif not request.body or self.handler.info(request.content_type or "", request.body):
            self._respond(transaction, 200)
        else:
            self._respond(transaction, 415, headers=[("Accept", ACCEPT_INFO)])

    def _await_ack(self, transaction: ServerTransaction, response: Response, *, owes_answer: bool) -> None:
        self._unacknowledged = Unacknowledged(transaction, response, owes_answer=owes_answer)
        self._wait(Alarm.REPEAT_ANSWER, T1)
        self._wait(Alarm.NO_ACK, PATIENCE)

    def _stop_repeating(self) -> None:
        self._unacknowledged = None
        self._alarms.pop(Alarm.REPEAT_ANSWER, None)
        self._alarms.pop(Alarm.NO_ACK, None)

    def _answer_in(self, message: Request | Response) -> SessionDescription | None:
        """The answer to an offer of ours; without a usable one the call cannot go on."""
        try:
            answer = session_in(message)
        except (UnsupportedBody, SdpError) as error:
            self.log.info("answer not understood", problem=str(error))
            answer = None
        if answer is None:
            self.offers.fail()
            self.hang_up(Outcome.NO_CODEC)
            return None
        self.offers.receive_answer(answer)
        return answer

    # Offers of ours

    def _offer_if_quiet(self) -> None:
        quiet = (
            self.state is CallState.CONFIRMED
            and not self._offering
            and self._unacknowledged is None
            and self.offers.state is OfferState.STABLE
            and Alarm.OFFER_AGAIN not in self._alarms
        )
        if self._wanted is None or self.dialog is None or not quiet:
            return
        sdp = self.offers.send_offer(self._wanted)
        self._offering = True
        request = self.dialog.request("INVITE")
        self._put_session(request, sdp)
        self._send(request, self._offer_answered)

    def _offer_answered(self, response: Response) -> None:
        """A response to our re-INVITE."""
        if response.status < 200 or self.dialog is None:
            return
        if response.status < 300:
            self._acknowledge(response)
        if not self._offering:
            return  # a repeated 200: its ACK got lost
        self._offering = False
        if self.over:
            return
        if response.status < 300:
            self._wanted = None
            self.dialog.refresh(response)
            if (answer := self._answer_in(response)) is not None:
                self.handler.answered(answer)
            return
        self.offers.fail()
        if response.status == 491:
            self._wait(Alarm.OFFER_AGAIN, self._back_off())
        elif response.status in (408, 481):
            self.hang_up(Outcome.TRANSPORT)
        else:
            self._wanted = None
            self.log.info("re-INVITE refused; the session stays", status=response.status)

    def _back_off(self) -> float:
        """Seconds until the next try after glare, in units of 10 ms."""
        if self.direction is Direction.OUTBOUND:
            return self._signalling.random.randint(210, 400) / 100
        return self._signalling.random.randint(0, 200) / 100

    def _acknowledge(self, response: Response) -> None:
        if self.dialog is not None:
            ack = self.dialog.request("ACK", cseq=response.cseq.number)
            self._signalling.acknowledge(ack, self.dialog.next_hop, flow=self._flow)

    # The end

    def _bye(self, outcome: Outcome) -> None:
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
        """Tell the handler, once."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        self._wanted = None
        seconds = self._signalling.now() - self.received_at
        self.log.info("call ended", outcome=outcome.label, seconds=round(seconds, 1))
        self._signalling.ended(self, outcome)
        self.handler.ended(outcome)

    def _forget(self) -> None:
        self._alarms.clear()
        if self._flow is not None:
            self._flow.release()
            self._flow = None
        self._signalling.forget(self)

    # Words

    def _send(self, request: Request, on_response: Callable[[Response], None]) -> None:
        """Send a request of the dialog."""
        if self.dialog is not None:
            self._signalling.request(
                request, self.dialog.next_hop, on_response, flow=self._flow, next_cseq=self.dialog.next_cseq
            )

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
        sdp: SessionDescription | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        response = respond(
            transaction.request,
            status,
            reason,
            to_tag=self.local_tag,
            headers=headers,
            body=sdp.to_bytes() if sdp is not None else b"",
            content_type=SDP if sdp is not None else None,
        )
        self._signalling.respond(transaction, response)
        return response

    @property
    def local_tag(self) -> str:
        """Our end of the dialog."""
        return (self.dialog.local.tag or "") if self.dialog is not None else ""

    def _session_headers(self, transaction: ServerTransaction) -> list[tuple[str, str]]:
        """What a 2xx to INVITE or UPDATE says beside the session."""
        return [("Contact", contact_for(transaction.path)), *IN_SESSION]

    def _put_session(self, request: Request, sdp: SessionDescription) -> None:
        for name, value in IN_SESSION:
            request.headers.add(name, value)
        request.headers.add("Content-Type", SDP)
        request.body = sdp.to_bytes()


def contact_for(path: Path) -> str:
    """Where we can be reached along this path."""
    local = path.local
    host = f"[{local.host}]" if ":" in local.host else local.host
    transport = "" if path.peer.transport == "udp" else f";transport={path.peer.transport}"
    return f"<sip:{host}:{local.port}{transport}>"
