from dataclasses import dataclass
from math import inf

from sip.agenda import Agenda


@dataclass(eq=False)
class Thing:
    next_deadline: float


def test_things_come_due_in_the_order_of_their_deadlines() -> None:
    agenda: Agenda[Thing] = Agenda()
    late, early = Thing(2.0), Thing(1.0)
    agenda.note(late)
    agenda.note(early)
    assert agenda.next_deadline == 1.0
    assert agenda.take_due(0.5) == []
    assert agenda.take_due(2.0) == [early, late]
    assert agenda.next_deadline == inf


def test_a_prolonged_deadline_costs_no_second_entry_and_is_not_due_early() -> None:
    agenda: Agenda[Thing] = Agenda()
    thing = Thing(1.0)
    agenda.note(thing)
    thing.next_deadline = 5.0
    agenda.note(thing)
    assert len(agenda) == 1
    assert agenda.take_due(1.0) == []
    assert agenda.take_due(5.0) == [thing]


def test_a_nearer_deadline_counts_and_the_old_entry_is_skipped() -> None:
    agenda: Agenda[Thing] = Agenda()
    thing = Thing(5.0)
    agenda.note(thing)
    thing.next_deadline = 1.0
    agenda.note(thing)
    assert agenda.take_due(1.0) == [thing]
    thing.next_deadline = inf
    agenda.note(thing)
    assert agenda.take_due(10.0) == []
    assert len(agenda) == 0


def test_what_waits_for_nothing_is_not_on_the_agenda() -> None:
    agenda: Agenda[Thing] = Agenda()
    agenda.note(Thing(inf))
    assert len(agenda) == 0
