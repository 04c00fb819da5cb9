"""A call of ours: from the INVITE to whatever becomes of it (RFC 3261 section 13.2)."""

from collections.abc import Sequence
from typing import ClassVar, Final

from config.outcome import Outcome
from media.sdp import SessionDescription
from sip.auth import DigestClient
from sip.call.base import Alarm, Signalling
from sip.call.session import SessionCall, put_session
from sip.call.states import CallEvent, CallState, Direction
from sip.dialog import MAX_FORWARDS, Dialog
from sip.headers import Address, Headers
from sip.message import Request, Response
from sip.reasons import outcome_of, reason_header
from sip.transaction import PATIENCE
from sip.transport import DEFAULT_PORT, Source
from sip.uri import Uri

RING_LIMIT: Final = 180.0  # seconds; proxies give up then as well (timer C)


class OutboundCall(SessionCall):
    """The UAC side. ``status`` and ``reason`` are what they last said, or 408 and 503 made up for silence.

    Redirections are not followed: whom we call is decided elsewhere. A proxy may have forked the INVITE: the
    first 2xx is the call, every later one from another phone gets ACK and BYE (section 13.2.2.4).
    """

    direction: ClassVar[Direction] = Direction.OUTBOUND

    def __init__(
        self,
        call_id: str,
        signalling: Signalling,
        *,
        target: Uri,
        caller: Address,
        sdp: SessionDescription,
        route: Sequence[Address] = (),
        auth: DigestClient | None = None,
    ) -> None:
        invite = _invite(target, caller.with_tag(signalling.new_token()), signalling.new_token(), route)
        super().__init__(call_id, signalling, invite, CallState.CALLING)
        self.status: int | None = None
        self.reason = ""
        self._auth = auth
        self._local_cseq = invite.cseq.number
        put_session(invite, self.offers.send_offer(sdp))
        self._exchange = signalling.request(
            self,
            invite,
            route[0].uri if route else target,
            self._invite_answered,
            flow=None,
            next_cseq=self._next_cseq,
            auth=auth,
        )

    def start(self) -> None:
        """Send the INVITE; the handler has to be there."""
        self._wait(Alarm.NO_FINAL, RING_LIMIT)
        self._exchange.start()

    @property
    def source(self) -> Source:
        """Whom the INVITE went to, as far as is known."""
        if self._exchange.path is not None:
            return self._exchange.path.peer
        uri = self.invite.uri
        return Source(uri.host, uri.port or DEFAULT_PORT["udp"], uri.transport or "udp")

    @property
    def local_host(self) -> str:
        """Our address on the way there; empty while that is not known."""
        return self._exchange.path.local.host if self._exchange.path is not None else ""

    def hang_up(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        """CANCEL, or BYE."""
        super().hang_up(outcome)
        if self.state is CallState.CANCELLING:
            self._wait(Alarm.NO_FINAL, PATIENCE)
            self._exchange.cancel()

    def _next_cseq(self) -> int:
        self._local_cseq += 1
        return self._local_cseq

    def _invite_answered(self, response: Response) -> None:
        self.status, self.reason = response.status, response.reason
        if response.status < 200:
            if response.status > 100 and self.dialog is None and self.state is not CallState.ENDED:
                self._step(CallEvent.RING)
        elif response.status < 300:
            self._accepted(response)
        elif self.dialog is None and self.state is not CallState.ENDED:
            self._refused(response)

    def _accepted(self, response: Response) -> None:
        dialog = Dialog.of_client(self.invite, response)
        if self.dialog is not None and dialog.remote.tag != self.dialog.remote.tag:
            self._drop_fork(dialog)
            return
        repeated, self.dialog = self.dialog is not None, self.dialog or dialog
        path = self._exchange.path
        if not repeated and path is not None and path.reliable:
            self._hold(path)
        self._acknowledge(self.dialog, self.invite)
        if repeated:
            return
        self._alarms.pop(Alarm.NO_FINAL, None)
        self._signalling.established(self, self.dialog.id)
        self._step(CallEvent.ACCEPTED)
        if self.state is CallState.CLOSING:
            self.offers.fail()
            self._bye(self.outcome or Outcome.CANCELLED)
            return
        self.log.info("call answered")
        if (answer := self._answer_in(response)) is None:
            self.hang_up(Outcome.NO_CODEC)
        else:
            self.handler.answered(answer)
            self._offer_if_quiet()

    def _drop_fork(self, dialog: Dialog) -> None:
        """Another phone has answered as well."""
        self._acknowledge(dialog, self.invite)
        bye = dialog.request("BYE")
        bye.headers.add("Reason", reason_header(Outcome.COMPLETED))
        self._signalling.request(
            self,
            bye,
            dialog.next_hop,
            lambda response: None,
            flow=None,
            next_cseq=dialog.next_cseq,
            auth=self._auth,
        ).start()

    def _refused(self, response: Response) -> None:
        self.offers.fail()
        self._step(CallEvent.REFUSED)
        self.log.info("call refused", status=response.status, reason=response.reason)
        silence = "Via" not in response.headers  # made up by the exchange: nobody said anything
        self._finish(Outcome.TRANSPORT if silence else outcome_of(response.status))
        self._forget()

    def _ring_alarm(self, alarm: Alarm, now: float) -> None:
        if alarm is not Alarm.NO_FINAL:
            super()._ring_alarm(alarm, now)
        elif self.over:
            self._exchange.abandon()
            self._step(CallEvent.CLOSED)
            self._forget()
        else:
            self.hang_up(Outcome.NO_ANSWER)


def _invite(target: Uri, caller: Address, call_id: str, route: Sequence[Address]) -> Request:
    headers = Headers()
    headers.add("Max-Forwards", str(MAX_FORWARDS))
    for hop in route:
        headers.add("Route", str(hop))
    headers.add("From", str(caller))
    headers.add("To", f"<{target}>")
    headers.add("Call-ID", call_id)
    headers.add("CSeq", "1 INVITE")
    return Request("INVITE", target, headers, b"")
