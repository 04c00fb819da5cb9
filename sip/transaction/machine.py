"""What the four transaction machines share (RFC 3261 section 17, RFC 6026).

A transaction is one request and all that answers it on one hop: it repeats what a datagram may lose and
hides the repetitions from its user (the call, the user agent). A machine is a table, ``(state, event) ->
(next state, actions)``, plus which timers run in which state; the diagrams stand in :mod:`.client` and
:mod:`.server`, and a test compares them with the tables. An event that is in no row of the state is a
mistake of the transaction's user: :class:`IllegalEvent` is raised and nothing has changed. Whatever the
network can send at any moment has a row, if only to be absorbed.

No I/O and no clock: ``receive(event, now)`` and ``expire(now)`` return commands, ``next_deadline`` says when
to call ``expire``. Times are seconds of whatever clock the owner keeps.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Final

from sip.message import Request, Response

T1: Final = 0.5  # an estimate of the round-trip time
T2: Final = 4.0  # the longest interval between repetitions of a non-INVITE request or an INVITE's response
T4: Final = 5.0  # how long a message stays in the network
PATIENCE: Final = 64 * T1  # after this a transaction gives up


class State(Enum):
    """Where a transaction stands."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()

    __hash__ = object.__hash__  # Enum's is Python code, and these are looked up some fifty times a call


class Event(Enum):
    """What can happen to a transaction.

    PROVISIONAL, SUCCESS (2xx) and FAILURE (3xx to 6xx) are responses: received by a client, sent by the user
    of a server. FINAL is either of the latter two in a non-INVITE transaction, which does not tell them
    apart.
    """

    REQUEST = auto()
    ACK = auto()
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    FINAL = auto()
    UNREACHABLE = auto()
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()

    __hash__ = object.__hash__


class Action(Enum):
    """What a row of a table asks for."""

    SEND = auto()  # a client: its request; a server: its latest response
    SEND_ACK = auto()  # of an INVITE that failed
    PASS = auto()  # the message, to the transaction's user
    TIMED_OUT = auto()  # tell the user that nobody answered
    FAILED = auto()  # tell the user that the transport could not deliver


class Trouble(Enum):
    """Why a transaction gave up."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


class IllegalEvent(Exception):  # noqa: N818 - named like h11's LocalProtocolError: what happened
    """The transaction's user asked for what its state does not allow."""


@dataclass(frozen=True, slots=True)
class Send:
    """Put this message on the transaction's path."""

    transaction: "Transaction"
    message: Request | Response
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """Give this message to the transaction's user."""

    transaction: "Transaction"
    message: Request | Response


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Tell the transaction's user that its request or response did not get through."""

    transaction: "Transaction"
    trouble: Trouble


Command = Send | Pass | GiveUp
Table = Mapping[tuple[State, Event], tuple[State, tuple[Action, ...]]]

_REPEATING: Final = {Event.TIMER_A: math.inf, Event.TIMER_E: T2, Event.TIMER_G: T2}
_ONLY_UNRELIABLE: Final = frozenset({Event.TIMER_A, Event.TIMER_E, Event.TIMER_G})
_ZERO_IF_RELIABLE: Final = frozenset({Event.TIMER_D, Event.TIMER_I, Event.TIMER_J, Event.TIMER_K})
_DURATION: Final = {
    Event.TIMER_A: T1,
    Event.TIMER_B: PATIENCE,
    Event.TIMER_D: PATIENCE,
    Event.TIMER_E: T1,
    Event.TIMER_F: PATIENCE,
    Event.TIMER_G: T1,
    Event.TIMER_H: PATIENCE,
    Event.TIMER_I: T4,
    Event.TIMER_J: PATIENCE,
    Event.TIMER_K: T4,
    Event.TIMER_L: PATIENCE,
    Event.TIMER_M: PATIENCE,
}


class Transaction(ABC):
    """One of the four machines; a subclass brings its table and says what SEND sends.

    ``path`` is the way its messages go; the machine only asks whether it is ``reliable``. ``user`` belongs to
    the transaction's user, who finds there whom a message concerns.
    """

    table: ClassVar[Table]
    timers: ClassVar[Mapping[State, tuple[Event, ...]]]
    initial: ClassVar[State]

    def __init__(self, request: Request, path: Any, *, reliable: bool) -> None:
        self.request = request
        self.path = path
        self.reliable = reliable
        self.user: Any = None
        self.state = self.initial
        self._deadlines: dict[Event, float] = {}
        self._interval = T1

    @property
    def next_deadline(self) -> float:
        """When :meth:`expire` wants to be called; infinity when no timer runs."""
        return min(self._deadlines.values(), default=math.inf)

    @property
    def terminated(self) -> bool:
        """Whether it is over and can be forgotten."""
        return self.state is State.TERMINATED

    def receive(self, event: Event, now: float, message: Request | Response | None = None) -> list[Command]:
        """Take one step; raises :class:`IllegalEvent` when the table has none."""
        try:
            after, actions = self.table[self.state, event]
        except KeyError:
            raise IllegalEvent(f"{event.name} in {type(self).__name__} {self.state.name}") from None
        if after is not self.state:
            self._enter(after, now)
        return [command for action in actions if (command := self._perform(action, event, message))]

    def expire(self, now: float) -> list[Command]:
        """Fire every timer whose time has come."""
        commands: list[Command] = []
        while self._deadlines:
            timer = min(self._deadlines, key=self._deadlines.__getitem__)
            if self._deadlines[timer] > now:
                break
            del self._deadlines[timer]
            commands += self.receive(timer, now)
            if timer in self.timers.get(self.state, ()):  # it repeats
                longest = T2 if self.state is State.PROCEEDING else self._interval * 2
                self._interval = min(longest, _REPEATING[timer])
                self._deadlines[timer] = now + self._interval
        return commands

    def _start(self, now: float) -> None:
        self._enter(self.initial, now)

    def _enter(self, state: State, now: float) -> None:
        """Stop the timers that the new state does not have, start those it brings."""
        self.state = state
        wanted = self.timers.get(state, ())
        running = self._deadlines
        self._deadlines = {}
        for timer in wanted:
            if timer in running:
                self._deadlines[timer] = running[timer]
            elif not (self.reliable and timer in _ONLY_UNRELIABLE):
                instant = self.reliable and timer in _ZERO_IF_RELIABLE
                self._deadlines[timer] = now + (0.0 if instant else _DURATION[timer])

    def _perform(self, action: Action, event: Event, message: Request | Response | None) -> Command | None:
        match action:
            case Action.SEND:
                sent = self._to_send()
                return Send(self, sent, event is Event.REQUEST or event in _REPEATING) if sent else None
            case Action.SEND_ACK:
                return Send(self, self._ack(message)) if isinstance(message, Response) else None
            case Action.PASS:
                return Pass(self, message) if message else None
            case Action.TIMED_OUT:
                return GiveUp(self, Trouble.TIMEOUT)
            case Action.FAILED:
                return GiveUp(self, Trouble.UNREACHABLE)

    @abstractmethod
    def _to_send(self) -> Request | Response | None:
        """What SEND means."""

    def _ack(self, response: Response) -> Request:
        """What SEND_ACK means."""
        raise IllegalEvent(f"{type(self).__name__} acknowledges nothing")
