"""A call that came in: from the INVITE to its ACK."""

from typing import ClassVar

from config.outcome import Outcome
from media.sdp import SessionDescription
from sip.call.base import Alarm, Signalling
from sip.call.handler import NotAcceptable
from sip.call.session import SessionCall, session_headers
from sip.call.states import CallEvent, CallState, Direction
from sip.dialog import Dialog
from sip.message import Request
from sip.reasons import reason_header, retry_after_of, status_of
from sip.transaction import InviteServer
from sip.transport import Path, Source, contact_for, is_numeric


class InboundCall(SessionCall):
    """The UAS side (RFC 3261 section 13.3)."""

    direction: ClassVar[Direction] = Direction.INBOUND

    def __init__(
        self,
        call_id: str,
        signalling: Signalling,
        transaction: InviteServer,
        path: Path,
        offer: SessionDescription | None,
        tag: str,
    ) -> None:
        invite = transaction.request
        super().__init__(call_id, signalling, invite, CallState.RECEIVED)
        self.dialog = Dialog.of_server(invite, tag, local_cseq=signalling.random.getrandbits(16))
        self._path = path
        self.offer = offer
        self._transaction = transaction
        if offer is not None:
            self.offers.receive_offer()
        flow = path if path.reliable or _behind_nat(invite) else None
        expires = invite.expires
        # From here on nothing can fail: what is held and registered is given back by the call's end alone.
        self._hold(flow)
        signalling.established(self, self.dialog.id)
        if expires is not None:
            self._wait(Alarm.EXPIRED, expires)

    @property
    def source(self) -> Source:
        """Where the INVITE came from."""
        return self._path.peer

    @property
    def local_host(self) -> str:
        """The address of the listener that got the INVITE, or what is advertised for it."""
        return self._path.local.host

    def ring(self) -> None:
        """Say 180."""
        if not self.over:
            self._step(CallEvent.RING)
            self._respond(self._transaction, 180, headers=[("Contact", contact_for(self._transaction.path))])

    def answer(self, sdp: SessionDescription) -> None:
        """Say 200, and again until the ACK."""
        if self.over:
            return
        self._step(CallEvent.ANSWER)
        self._alarms.pop(Alarm.EXPIRED, None)
        owes_answer = self.offer is None
        said = self.offers.send_offer(sdp) if owes_answer else self.offers.send_answer(sdp)
        headers = session_headers(self._transaction.path)
        response = self._respond(self._transaction, 200, sdp=said, headers=headers)
        self.log.info("call answered")
        self._await_ack(self._transaction, response, owes_answer=owes_answer)

    def refuse(
        self, outcome: Outcome, *, retry_after: int | None = None, because: NotAcceptable | None = None
    ) -> None:
        """Decline with the status that the outcome has."""
        if self.over:
            return
        self._step(CallEvent.REFUSE)
        headers = [("Reason", reason_header(outcome))]
        if (seconds := retry_after or retry_after_of(outcome)) is not None:
            headers.append(("Retry-After", str(seconds)))
        if because is not None:
            headers.append(because.header(self._transaction.path))
        self._respond(self._transaction, status_of(outcome), headers=headers)
        self._finish(outcome)
        self._forget()

    def hang_up(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        """Refuse, or BYE after the ACK."""
        if self.state in (CallState.RECEIVED, CallState.RINGING):
            self.refuse(outcome)
        else:
            super().hang_up(outcome)

    def cancelled(self) -> None:
        """Their CANCEL; too late when a final response has been given (section 9.2)."""
        if self.state in (CallState.RECEIVED, CallState.RINGING):
            self._abandon()

    def receive_bye(self) -> None:
        """A BYE before the answer takes the INVITE with it (section 15.1.2)."""
        if self.state in (CallState.RECEIVED, CallState.RINGING):
            self._abandon()
        else:
            super().receive_bye()

    def trying(self) -> None:
        """Say 100 when the owner has not said anything yet."""
        if self.state is CallState.RECEIVED:
            self._respond(self._transaction, 100)

    def _ring_alarm(self, alarm: Alarm, now: float) -> None:
        if alarm is Alarm.EXPIRED:  # section 13.3.1: the caller waits no longer
            self._abandon()
        else:
            super()._ring_alarm(alarm, now)

    def _abandon(self) -> None:
        self._respond(self._transaction, 487)
        self._step(CallEvent.GONE)
        self._finish(Outcome.CANCELLED)
        self._forget()


def _behind_nat(invite: Request) -> bool:
    """Whether the caller talks to us directly and its own address is not where its packets come from.

    Its Contact is then as wrong as its Via; requests go back the way the INVITE came. A Via that has a name
    proves nothing, unless it asks for ``rport`` and thereby promises to listen where it sends from.
    """
    via = invite.via
    elsewhere = via.parameters.get("received") not in (None, via.host)
    symmetric = is_numeric(via.host) or "rport" in via.parameters
    return elsewhere and symmetric and len(invite.vias) == 1 and not invite.record_routes
