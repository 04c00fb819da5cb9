"""The session of a call: offers in both directions inside its dialog, and the 200 that waits for its ACK.

The 200 to an INVITE is repeated end to end until its ACK comes, over TCP as well (RFC 3261 section 13.3.1.4),
because only the ACK proves that the far side has the answer; no ACK within 64·T1 ends the call with BYE. A
re-INVITE that fails, theirs or ours, leaves the session as it was; so does an answer to our offer that makes
no sense, but the first, without which there is no session. Where two offers meet (491) both sides
wait a different random time: 2.1 to 4 s who made the call, up to 2 s who got it (section 14.1).
"""

from functools import partial

from config.outcome import Outcome
from media.sdp import SdpError, SessionDescription
from sip.body import SDP, UnsupportedBody, session_in
from sip.call.base import Alarm, Call, Signalling
from sip.call.handler import NotAcceptable
from sip.call.states import CallEvent, CallState, Direction
from sip.capabilities import ACCEPT, IN_SESSION
from sip.dialog import Dialog
from sip.message import Request, Response
from sip.offer_answer import OfferAnswer, OfferState
from sip.transaction import PATIENCE, T1, T2, ServerTransaction
from sip.transport import Path, contact_for


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


class SessionCall(Call):
    """What both directions of a call do once there is a dialog."""

    def __init__(self, call_id: str, signalling: Signalling, invite: Request, state: CallState) -> None:
        super().__init__(call_id, signalling, invite, state)
        self.offers = OfferAnswer(signalling.random.getrandbits(31))
        self._unacknowledged: Unacknowledged | None = None
        self._reinvite: Request | None = None  # ours, under way
        self._wanted: SessionDescription | None = None  # to be offered when the line is free

    def reoffer(self, sdp: SessionDescription) -> None:
        """Change the session by a re-INVITE, as soon as no other offer is under way; the latest counts."""
        if not self.over:
            self._wanted = sdp
            self._offer_if_quiet()

    def _ring_alarm(self, alarm: Alarm, now: float) -> None:
        match alarm:
            case Alarm.REPEAT_ANSWER if self._unacknowledged is not None:
                waiting = self._unacknowledged
                self._signalling.respond(waiting.transaction, waiting.response)
                waiting.interval = min(waiting.interval * 2, T2)
                self._alarms[Alarm.REPEAT_ANSWER] = now + waiting.interval
            case Alarm.NO_ACK:
                self._step(CallEvent.NO_ACK)
                self._finish(Outcome.NO_ACK)
                self._bye(Outcome.NO_ACK)
            case Alarm.OFFER_AGAIN:
                self._offer_if_quiet()

    # The ACK

    def _await_ack(self, transaction: ServerTransaction, response: Response, *, owes_answer: bool) -> None:
        self._unacknowledged = Unacknowledged(transaction, response, owes_answer=owes_answer)
        self._wait(Alarm.REPEAT_ANSWER, T1)
        self._wait(Alarm.NO_ACK, PATIENCE)

    def _stop_repeating(self) -> None:
        self._unacknowledged = None
        self._alarms.pop(Alarm.REPEAT_ANSWER, None)
        self._alarms.pop(Alarm.NO_ACK, None)

    def receive_ack(self, ack: Request) -> None:
        """Take an ACK of the dialog; one that nobody waits for is a repetition."""
        waiting = self._unacknowledged
        if waiting is None or ack.cseq.number != waiting.cseq:
            return
        self._stop_repeating()
        first = self.state in (CallState.ANSWERED, CallState.LEAVING)
        if first:
            self._step(CallEvent.ACK)
        if self.over:
            if first:
                self._bye(self.outcome or Outcome.COMPLETED)
            return
        answer = self._answer_in(ack) if waiting.owes_answer else None
        if first and waiting.owes_answer and answer is None:  # there is no session, and will be none
            self.hang_up(Outcome.NO_CODEC)
        elif first:
            self.handler.confirmed(answer)
        elif answer is not None:
            self.handler.answered(answer)
        self._offer_if_quiet()

    def _answer_in(self, message: Request | Response) -> SessionDescription | None:
        """The answer to an offer of ours; without a usable one what had been agreed stays agreed."""
        try:
            answer = session_in(message)
        except (UnsupportedBody, SdpError) as error:
            self.log.info("answer not understood", problem=str(error))
            answer = None
        if answer is None:
            self.offers.fail()
        else:
            self.offers.receive_answer()
        return answer

    # Offers of theirs

    def _receive_offer(self, request: Request, transaction: ServerTransaction) -> None:
        """A re-INVITE or UPDATE (section 14.2, RFC 3311 section 5.2)."""
        if request.method == "UPDATE" and not request.body.strip():  # only refreshes the target
            self._accept(request, transaction, None)
            return
        unanswered = self.state in (CallState.RECEIVED, CallState.RINGING)
        if unanswered or self._unacknowledged is not None or self.offers.state is OfferState.THEIRS:
            seconds = self._signalling.random.randint(0, 10)
            self._respond(transaction, 500, headers=[("Retry-After", str(seconds))])
            return
        if self._reinvite is not None or self.offers.state is OfferState.OURS:
            self._respond(transaction, 491)
            return
        try:
            sdp, owes_answer = self._negotiate(request)
        except UnsupportedBody:
            self._respond(transaction, 415, headers=[("Accept", ACCEPT)])
        except SdpError as error:
            self._respond(transaction, 400, "Malformed Session Description")
            self.log.info("offer not understood", problem=str(error))
        except NotAcceptable as error:
            self._respond(transaction, 488, headers=[error.header(transaction.path)])
            self.log.info("offer refused", problem=str(error))
        else:
            self._accept(request, transaction, sdp, owes_answer=owes_answer)

    def _negotiate(self, request: Request) -> tuple[bytes | None, bool]:
        """What our 200 carries, and whether it is an offer."""
        offer = session_in(request)
        if offer is None:
            if request.method == "UPDATE":
                return None, False
            return self.offers.send_offer(self.handler.offer_wanted()), True
        self.offers.receive_offer()
        try:
            return self.offers.send_answer(self.handler.offered(offer)), False
        finally:
            self.offers.fail()  # unless answered

    def _accept(
        self,
        request: Request,
        transaction: ServerTransaction,
        sdp: bytes | None,
        *,
        owes_answer: bool = False,
    ) -> None:
        """Say 200 to a re-INVITE or UPDATE."""
        if self.over:  # the handler hung up when asked
            self._respond(transaction, 481)
            return
        if self.dialog is not None:
            self.dialog.refresh(request)
        response = self._respond(transaction, 200, sdp=sdp, headers=session_headers(transaction.path))
        if request.method == "INVITE":
            self._await_ack(transaction, response, owes_answer=owes_answer)

    # Offers of ours

    def _offer_if_quiet(self) -> None:
        quiet = (
            self.state is CallState.CONFIRMED
            and self._reinvite is None
            and self._unacknowledged is None
            and self.offers.state is OfferState.STABLE
            and Alarm.OFFER_AGAIN not in self._alarms
        )
        if self._wanted is None or self.dialog is None or not quiet:
            return
        sdp = self.offers.send_offer(self._wanted)
        self._reinvite = reinvite = self.dialog.request("INVITE")
        put_session(reinvite, sdp)
        self._send(reinvite, partial(self._reinvite_answered, reinvite))

    def _reinvite_answered(self, reinvite: Request, response: Response) -> None:
        """A response to our re-INVITE; a 200 that comes again asks for its ACK again."""
        if response.status < 200 or self.dialog is None:
            return
        if response.status < 300:
            self.dialog.refresh(response)
            self._acknowledge(self.dialog, reinvite)
        if self._reinvite is not reinvite:
            return
        self._reinvite = None
        if self.over:
            return
        if response.status < 300:
            self._wanted = None
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

    def _acknowledge(self, dialog: Dialog, invite: Request) -> None:
        """Send the ACK of a 2xx, with the credentials of its INVITE (section 13.2.2.4)."""
        ack = dialog.request("ACK", cseq=invite.cseq.number)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        self._signalling.acknowledge(ack, dialog.next_hop, flow=self._flow)


def put_session(request: Request, sdp: bytes) -> None:
    """Make a request of ours an offer."""
    for name, value in IN_SESSION:
        request.headers.add(name, value)
    request.headers.add("Content-Type", SDP)
    request.body = sdp


def session_headers(path: Path) -> list[tuple[str, str]]:
    """What a 2xx of ours to INVITE or UPDATE says beside the session."""
    return [("Contact", contact_for(path)), *IN_SESSION]
