"""The life of the process as a table."""

import re

import pytest

from gateway import drain
from gateway.drain import ENDING_SECONDS, TABLE, Command, Event, IllegalEventError, Lifecycle, State


def running(drain_seconds: float = 60.0) -> Lifecycle:
    lifecycle = Lifecycle(drain_seconds)
    assert lifecycle.receive(Event.READY, 0.0) == []
    return lifecycle


def test_the_diagram_is_the_table() -> None:
    drawn = {
        (State[before], Event[event]): State[after]
        for before, events, after in re.findall(r"(\w+) +--([A-Z, ]+)--> (\w+)", drain.__doc__ or "")
        for event in events.split(", ")
    }
    assert drawn == {row: after for row, (after, _) in TABLE.items()}


def test_drain_until_the_last_call_has_ended() -> None:
    lifecycle = running()
    assert lifecycle.receive(Event.TERMINATE, 100.0) == [Command.REFUSE_CALLS]
    assert lifecycle.deadline == 160.0
    assert lifecycle.receive(Event.EMPTY, 110.0) == [Command.END_CALLS]
    assert lifecycle.deadline == 110.0 + ENDING_SECONDS
    assert lifecycle.receive(Event.ENDED, 111.0) == [Command.EXIT]
    assert lifecycle.state is State.STOPPED
    assert lifecycle.deadline is None


def test_drain_until_the_deadline() -> None:
    lifecycle = running()
    lifecycle.receive(Event.TERMINATE, 100.0)
    assert lifecycle.receive(Event.DEADLINE, 160.0) == [Command.END_CALLS]


def test_interrupt_ends_at_once() -> None:
    assert running().receive(Event.INTERRUPT, 1.0) == [Command.END_CALLS]


@pytest.mark.parametrize("state", [state for state in State if state is not State.STOPPED])
@pytest.mark.parametrize("signal", [Event.TERMINATE, Event.INTERRUPT])
def test_every_signal_goes_a_step_further(state: State, signal: Event) -> None:
    after, command = TABLE[state, signal]
    assert list(State).index(after) > list(State).index(state)
    assert command is not None


def test_a_stop_that_hangs_is_abandoned() -> None:
    lifecycle = running()
    lifecycle.receive(Event.INTERRUPT, 1.0)
    assert lifecycle.receive(Event.DEADLINE, 6.0) == [Command.ABANDON]


def test_illegal_events_change_nothing() -> None:
    lifecycle = running()
    lifecycle.receive(Event.TERMINATE, 1.0)
    with pytest.raises(IllegalEventError, match="READY in state DRAINING"):
        lifecycle.receive(Event.READY, 2.0)
    assert lifecycle.state is State.DRAINING
    assert lifecycle.deadline == 61.0
