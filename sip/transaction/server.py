"""The two server transactions: a request of the far side until our answer is safe (RFC 3261 section 17.2).

INVITE (figure 7 of the RFC, with RFC 6026). A failure is repeated (timer G) until its ACK; a success is
repeated by the call, end to end, while ACCEPTED absorbs the INVITE's repetitions::

    PROCEEDING --REQUEST-----> PROCEEDING    SEND
    PROCEEDING --PROVISIONAL-> PROCEEDING    SEND
    PROCEEDING --SUCCESS-----> ACCEPTED      SEND
    PROCEEDING --FAILURE-----> COMPLETED     SEND
    PROCEEDING --ACK---------> PROCEEDING
    PROCEEDING --UNREACHABLE-> PROCEEDING    FAILED

    ACCEPTED   --SUCCESS-----> ACCEPTED      SEND
    ACCEPTED   --ACK---------> ACCEPTED      PASS
    ACCEPTED   --REQUEST-----> ACCEPTED
    ACCEPTED   --UNREACHABLE-> ACCEPTED      FAILED
    ACCEPTED   --TIMER_L-----> TERMINATED

    COMPLETED  --REQUEST-----> COMPLETED     SEND
    COMPLETED  --TIMER_G-----> COMPLETED     SEND
    COMPLETED  --ACK---------> CONFIRMED
    COMPLETED  --UNREACHABLE-> COMPLETED
    COMPLETED  --TIMER_H-----> TERMINATED    TIMED_OUT

    CONFIRMED  --REQUEST-----> CONFIRMED
    CONFIRMED  --ACK---------> CONFIRMED
    CONFIRMED  --UNREACHABLE-> CONFIRMED
    CONFIRMED  --TIMER_I-----> TERMINATED

Any other method (figure 8). The far side repeats its request until it has our answer, so nothing is
repeated unasked::

    TRYING     --PROVISIONAL-> PROCEEDING    SEND
    TRYING     --FINAL-------> COMPLETED     SEND
    TRYING     --REQUEST-----> TRYING
    TRYING     --UNREACHABLE-> TERMINATED    FAILED

    PROCEEDING --REQUEST-----> PROCEEDING    SEND
    PROCEEDING --PROVISIONAL-> PROCEEDING    SEND
    PROCEEDING --FINAL-------> COMPLETED     SEND
    PROCEEDING --UNREACHABLE-> TERMINATED    FAILED

    COMPLETED  --REQUEST-----> COMPLETED     SEND
    COMPLETED  --UNREACHABLE-> TERMINATED    FAILED
    COMPLETED  --TIMER_J-----> TERMINATED
"""

from abc import abstractmethod
from typing import Any, ClassVar

from sip.message import Request, Response
from sip.transaction.machine import Action, Command, Event, IllegalEvent, State, Table, Transaction

_S, _E, _A = State, Event, Action


class ServerTransaction(Transaction):
    """What both have in common: they keep the latest response, to repeat it."""

    def __init__(self, request: Request, path: Any, *, reliable: bool) -> None:
        super().__init__(request, path, reliable=reliable)
        self.response: Response | None = None

    @property
    def answered(self) -> bool:
        """Whether a final response has been given."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    def respond(self, response: Response, now: float) -> list[Command]:
        """Send a response of the user's; raises :class:`IllegalEvent` when a final one has been sent."""
        previous, self.response = self.response, response
        try:
            return self.receive(self._event_of(response.status), now, response)
        except IllegalEvent:
            self.response = previous
            raise

    def receive_request(self, request: Request, now: float) -> list[Command]:
        """Take a request that matched: a repetition, or the ACK."""
        return self.receive(Event.ACK if request.method == "ACK" else Event.REQUEST, now, request)

    @abstractmethod
    def _event_of(self, status: int) -> Event:
        """What a response of this status is to the machine."""

    def _to_send(self) -> Response | None:
        return self.response


class InviteServer(ServerTransaction):
    """An INVITE from the far side."""

    initial = State.PROCEEDING
    timers: ClassVar = {
        _S.ACCEPTED: (_E.TIMER_L,),
        _S.COMPLETED: (_E.TIMER_G, _E.TIMER_H),
        _S.CONFIRMED: (_E.TIMER_I,),
    }
    table: ClassVar[Table] = {
        (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _E.ACK): (_S.PROCEEDING, ()),
        (_S.PROCEEDING, _E.UNREACHABLE): (_S.PROCEEDING, (_A.FAILED,)),
        (_S.ACCEPTED, _E.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.ACCEPTED, _E.ACK): (_S.ACCEPTED, (_A.PASS,)),
        (_S.ACCEPTED, _E.REQUEST): (_S.ACCEPTED, ()),
        (_S.ACCEPTED, _E.UNREACHABLE): (_S.ACCEPTED, (_A.FAILED,)),
        (_S.ACCEPTED, _E.TIMER_L): (_S.TERMINATED, ()),
        (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _E.TIMER_G): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _E.ACK): (_S.CONFIRMED, ()),
        (_S.COMPLETED, _E.UNREACHABLE): (_S.COMPLETED, ()),
        (_S.COMPLETED, _E.TIMER_H): (_S.TERMINATED, (_A.TIMED_OUT,)),
        (_S.CONFIRMED, _E.REQUEST): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _E.ACK): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _E.UNREACHABLE): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _E.TIMER_I): (_S.TERMINATED, ()),
    }

    def _event_of(self, status: int) -> Event:
        if status < 200:
            return Event.PROVISIONAL
        return Event.SUCCESS if status < 300 else Event.FAILURE


class NonInviteServer(ServerTransaction):
    """A BYE, CANCEL, OPTIONS… from the far side."""

    initial = State.TRYING
    timers: ClassVar = {_S.COMPLETED: (_E.TIMER_J,)}
    table: ClassVar[Table] = {
        (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.TRYING, _E.FINAL): (_S.COMPLETED, (_A.SEND,)),
        (_S.TRYING, _E.REQUEST): (_S.TRYING, ()),
        (_S.TRYING, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _E.FINAL): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _E.UNREACHABLE): (_S.TERMINATED, (_A.FAILED,)),
        (_S.COMPLETED, _E.TIMER_J): (_S.TERMINATED, ()),
    }

    def _event_of(self, status: int) -> Event:
        return Event.PROVISIONAL if status < 200 else Event.FINAL
