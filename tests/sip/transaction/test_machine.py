import pytest

from sip.transaction import Event, IllegalEvent, InviteServer, State, Transaction, client, server
from sip.transaction.client import InviteClient, NonInviteClient
from sip.transaction.server import NonInviteServer
from tests.sip.diagrams import transitions
from tests.sip.transaction.messages import request

MACHINES = [InviteClient, NonInviteClient, InviteServer, NonInviteServer]


def arrows(machine: type[Transaction]) -> set[tuple[str, str, str, str]]:
    return {
        (before.name, event.name, after.name, ", ".join(action.name for action in actions))
        for (before, event), (after, actions) in machine.table.items()
    }


@pytest.mark.parametrize(
    ("module", "machines"),
    [(client, (InviteClient, NonInviteClient)), (server, (InviteServer, NonInviteServer))],
)
def test_the_diagrams_are_the_tables(module: object, machines: tuple[type[Transaction], ...]) -> None:
    drawn = transitions(module.__doc__ or "")
    tabled = [arrow for machine in machines for arrow in arrows(machine)]
    assert sorted(drawn) == sorted(tabled)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_timer_that_runs_in_a_state_has_a_row(machine: type[Transaction]) -> None:
    for state, timers in machine.timers.items():
        for timer in timers:
            assert (state, timer) in machine.table


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_be_left(machine: type[Transaction]) -> None:
    reached = {machine.initial}
    for _ in State:
        reached |= {after for (before, _), (after, _) in machine.table.items() if before in reached}
    assert State.TERMINATED in reached
    assert {before for before, _ in machine.table} == reached - {State.TERMINATED}


@pytest.mark.parametrize("machine", MACHINES)
def test_what_has_no_row_raises_and_changes_nothing(machine: type[Transaction]) -> None:
    transaction = machine(request(), None, reliable=False)
    state = transaction.state
    for event in Event:
        if (state, event) not in machine.table:
            with pytest.raises(IllegalEvent):
                transaction.receive(event, 0.0)
            assert transaction.state is state
