"""The life of the process, from start to exit, as a machine without I/O.

SIGTERM drains: new calls are refused (503 with Retry-After), running ones may finish until the deadline;
pages are told at once that they will be brought back, telephones shortly before the end to call again.
SIGINT ends every call at once with a BYE. Every further signal goes one step further, so an impatient
operator is always obeyed, and a stop that hangs is abandoned after ``ENDING_SECONDS``::

    STARTING --READY--> RUNNING
    STARTING --FAILED, TERMINATE, INTERRUPT--> ENDING
    RUNNING  --TERMINATE--> DRAINING
    RUNNING  --INTERRUPT--> ENDING
    DRAINING --EMPTY, DEADLINE, TERMINATE, INTERRUPT--> ENDING
    ENDING   --ENDED, DEADLINE, TERMINATE, INTERRUPT--> STOPPED

``gateway.run`` is the shell: it turns signals and the clock into events and performs the commands. Times
are seconds on one monotonic clock.
"""

from enum import Enum, auto

ENDING_SECONDS = 5.0
"""How long the BYEs, the database and the HTTP server together may take to finish."""


class State(Enum):
    """Where the process is in its life."""

    STARTING = auto()
    RUNNING = auto()
    DRAINING = auto()  # no new calls, the running ones may finish
    ENDING = auto()  # every call is being ended
    STOPPED = auto()


class Event(Enum):
    """What happens to the process."""

    READY = auto()  # everything listens
    FAILED = auto()  # something could not start
    TERMINATE = auto()  # SIGTERM
    INTERRUPT = auto()  # SIGINT
    EMPTY = auto()  # the last call has ended
    DEADLINE = auto()  # ``Lifecycle.deadline`` has passed
    ENDED = auto()  # everything is closed


class Command(Enum):
    """What the shell must do."""

    REFUSE_CALLS = auto()
    END_CALLS = auto()
    EXIT = auto()
    ABANDON = auto()  # exit without waiting for what still runs


TABLE: dict[tuple[State, Event], tuple[State, Command | None]] = {
    (State.STARTING, Event.READY): (State.RUNNING, None),
    (State.STARTING, Event.FAILED): (State.ENDING, Command.END_CALLS),
    (State.STARTING, Event.TERMINATE): (State.ENDING, Command.END_CALLS),
    (State.STARTING, Event.INTERRUPT): (State.ENDING, Command.END_CALLS),
    (State.RUNNING, Event.TERMINATE): (State.DRAINING, Command.REFUSE_CALLS),
    (State.RUNNING, Event.INTERRUPT): (State.ENDING, Command.END_CALLS),
    (State.DRAINING, Event.EMPTY): (State.ENDING, Command.END_CALLS),
    (State.DRAINING, Event.DEADLINE): (State.ENDING, Command.END_CALLS),
    (State.DRAINING, Event.TERMINATE): (State.ENDING, Command.END_CALLS),
    (State.DRAINING, Event.INTERRUPT): (State.ENDING, Command.END_CALLS),
    (State.ENDING, Event.ENDED): (State.STOPPED, Command.EXIT),
    (State.ENDING, Event.DEADLINE): (State.STOPPED, Command.ABANDON),
    (State.ENDING, Event.TERMINATE): (State.STOPPED, Command.ABANDON),
    (State.ENDING, Event.INTERRUPT): (State.STOPPED, Command.ABANDON),
}


class IllegalEventError(Exception):
    """An event that cannot happen in this state; the state is unchanged."""


class Lifecycle:
    """The machine. ``drain_seconds`` is how long running calls may go on after SIGTERM."""

    def __init__(self, drain_seconds: float) -> None:
        self.state = State.STARTING
        self.deadline: float | None = None  # when to send Event.DEADLINE, seconds
        self._limits = {State.DRAINING: drain_seconds, State.ENDING: ENDING_SECONDS}

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event; returns what to do. Raises `IllegalEventError` where the table has no row."""
        try:
            self.state, command = TABLE[self.state, event]
        except KeyError:
            raise IllegalEventError(f"{event.name} in state {self.state.name}") from None
        limit = self._limits.get(self.state)
        self.deadline = None if limit is None else now + limit
        return [] if command is None else [command]
