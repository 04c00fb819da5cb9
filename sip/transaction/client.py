"""The two client transactions: a request of ours until its answer is safe (RFC 3261 section 17.1).

INVITE (figure 5 of the RFC, with the Accepted state of RFC 6026). Its answer may be minutes away, so it is
repeated (timer A) only until anybody says anything; a failure is acknowledged here, hop by hop, a success by
the call itself, because it may come several times from several phones::

    CALLING    --TIMER_A-----> CALLING       SEND
    CALLING    --PROVISIONAL-> PROCEEDING    PASS
    CALLING    --SUCCESS-----> ACCEPTED      PASS
    CALLING    --FAILURE-----> COMPLETED     SEND_ACK, PASS
    CALLING    --TIMER_B-----> TERMINATED    TIMED_OUT
    CALLING    --UNREACHABLE-> TERMINATED    FAILED

    PROCEEDING --PROVISIONAL-> PROCEEDING    PASS
    PROCEEDING --SUCCESS-----> ACCEPTED      PASS
    PROCEEDING --FAILURE-----> COMPLETED     SEND_ACK, PASS
    PROCEEDING --UNREACHABLE-> PROCEEDING

    ACCEPTED   --SUCCESS-----> ACCEPTED      PASS
    ACCEPTED   --PROVISIONAL-> ACCEPTED
    ACCEPTED   --FAILURE-----> ACCEPTED
    ACCEPTED   --UNREACHABLE-> ACCEPTED
    ACCEPTED   --TIMER_M-----> TERMINATED

    COMPLETED  --FAILURE-----> COMPLETED     SEND_ACK
    COMPLETED  --PROVISIONAL-> COMPLETED
    COMPLETED  --SUCCESS-----> COMPLETED
    COMPLETED  --UNREACHABLE-> COMPLETED
    COMPLETED  --TIMER_D-----> TERMINATED

Any other method (figure 6). Answers are due at once, so the request is repeated (timer E) until the final
one, every T2 once a provisional one has come::

    TRYING     --TIMER_E-----> TRYING        SEND
    TRYING     --PROVISIONAL-> PROCEEDING    PASS
    TRYING     --FINAL-------> COMPLETED     PASS
    TRYING     --TIMER_F-----> TERMINATED    TIMED_OUT
    TRYING     --UNREACHABLE-> TERMINATED    FAILED

    PROCEEDING --TIMER_E-----> PROCEEDING    SEND
    PROCEEDING --PROVISIONAL-> PROCEEDING    PASS
    PROCEEDING --FINAL-------> COMPLETED     PASS
    PROCEEDING --TIMER_F-----> TERMINATED    TIMED_OUT
    PROCEEDING --UNREACHABLE-> TERMINATED    FAILED

    COMPLETED  --PROVISIONAL-> COMPLETED
    COMPLETED  --FINAL-------> COMPLETED
    COMPLETED  --UNREACHABLE-> COMPLETED
    COMPLETED  --TIMER_K-----> TERMINATED

What arrives after TERMINATED finds no transaction.
"""

from abc import abstractmethod
from typing import Any, ClassVar

from sip.message import Headers, Request, Response
from sip.transaction.machine import Action, Command, Event, Send, State, Table, Transaction

_S, _E, _A = State, Event, Action


class ClientTransaction(Transaction):
    """What both have in common: they send their request, and again."""

    def __init__(self, request: Request, path: Any, *, reliable: bool) -> None:
        super().__init__(request, path, reliable=reliable)
        self.method = request.method
        self.branch = request.via.branch or ""

    def start(self, now: float) -> list[Command]:
        """Send the request for the first time."""
        self._start(now)
        return [Send(self, self.request)]

    def receive_response(self, response: Response, now: float) -> list[Command]:
        """Take a response that matched."""
        return self.receive(self._event_of(response.status), now, response)

    @abstractmethod
    def _event_of(self, status: int) -> Event:
        """What a response of this status is to the machine."""

    def _to_send(self) -> Request:
        return self.request


class InviteClient(ClientTransaction):
    """An INVITE of ours."""

    initial = State.CALLING
    timers: ClassVar = {
        _S.CALLING: (_E.TIMER_A, _E.TIMER_B),
        _S.ACCEPTED: (_E.TIMER_M,),
        _S.COMPLETED: (_E.TIMER_D,),
    }
    table: ClassVar[Table] = {
        (_S.CALLING, _E.TIMER_A): (_S.CALLING, (_A.SEND,)),
        (_S.CALLING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
        (_S.CALLING, _E.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
        (_S.CALLING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.PASS)),
        (_S.CALLING, _E.TIMER_B): (_S.TERMINATED, (_A.TIMED_OUT,)),
        (_S.CALLING, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.PASS)),
        (_S.PROCEEDING, _E.UNREACHABLE): (_S.PROCEEDING, ()),
        (_S.ACCEPTED, _E.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
        (_S.ACCEPTED, _E.PROVISIONAL): (_S.ACCEPTED, ()),
        (_S.ACCEPTED, _E.FAILURE): (_S.ACCEPTED, ()),
        (_S.ACCEPTED, _E.UNREACHABLE): (_S.ACCEPTED, ()),
        (_S.ACCEPTED, _E.TIMER_M): (_S.TERMINATED, ()),
        (_S.COMPLETED, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK,)),
        (_S.COMPLETED, _E.PROVISIONAL): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.SUCCESS): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.UNREACHABLE): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.TIMER_D): (_S.TERMINATED, ()),
    }

    def _event_of(self, status: int) -> Event:
        if status < 200:
            return Event.PROVISIONAL
        return Event.SUCCESS if status < 300 else Event.FAILURE

    def _ack(self, response: Response) -> Request:
        """The ACK of a failure (section 17.1.1.3): same hop, same branch, the To of the response."""
        invite = self.request
        headers = Headers()
        headers.add("Via", invite.headers.get_list("Via")[0])
        for name in ("Max-Forwards", "From", "Call-ID"):
            if (value := invite.headers.get(name)) is not None:
                headers.add(name, value)
        headers.add("To", response.headers.get("To") or invite.headers.get("To") or "")
        headers.add("CSeq", f"{invite.cseq.number} ACK")
        for value in invite.headers.get_all("Route"):
            headers.add("Route", value)
        return Request("ACK", invite.uri, headers, b"")


class NonInviteClient(ClientTransaction):
    """A BYE, CANCEL, OPTIONS… of ours."""

    initial = State.TRYING
    timers: ClassVar = {
        _S.TRYING: (_E.TIMER_E, _E.TIMER_F),
        _S.PROCEEDING: (_E.TIMER_E, _E.TIMER_F),
        _S.COMPLETED: (_E.TIMER_K,),
    }
    table: ClassVar[Table] = {
        (_S.TRYING, _E.TIMER_E): (_S.TRYING, (_A.SEND,)),
        (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
        (_S.TRYING, _E.FINAL): (_S.COMPLETED, (_A.PASS,)),
        (_S.TRYING, _E.TIMER_F): (_S.TERMINATED, (_A.TIMED_OUT,)),
        (_S.TRYING, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.PROCEEDING, _E.TIMER_E): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
        (_S.PROCEEDING, _E.FINAL): (_S.COMPLETED, (_A.PASS,)),
        (_S.PROCEEDING, _E.TIMER_F): (_S.TERMINATED, (_A.TIMED_OUT,)),
        (_S.PROCEEDING, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.COMPLETED, _E.PROVISIONAL): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.FINAL): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.UNREACHABLE): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.TIMER_K): (_S.TERMINATED, ()),
    }

    def _event_of(self, status: int) -> Event:
        return Event.PROVISIONAL if status < 200 else Event.FINAL
