"""The call flow, event by event, on a clock of its own."""

from __future__ import annotations

import re

import pytest

from bridge import flow
from bridge.flow import (
    Alone,
    Dismissed,
    Enter,
    Entered,
    Event,
    Expired,
    Flow,
    HandMoved,
    HangUp,
    HungUp,
    Hush,
    IllegalEventError,
    Key,
    LookedUp,
    LookUp,
    Muted,
    PlayMusic,
    Ready,
    Refusal,
    Say,
    Spoken,
    State,
    ToggleHand,
    ToggleMute,
    Vacate,
    Waiting,
    machine,
)
from config.outcome import Outcome
from config.settings import IvrSettings
from config.texts import Phrase
from rooms.values import Found, NotFound, Refused, Role, Room, Unavailable

ROOM = Room(1, "team", "Team")
FOUND = Found(ROOM, Role.GUEST)


class Caller:
    """Drives one flow; ``now`` moves only when told."""

    def __init__(self, **start: object) -> None:
        self.flow = Flow(IvrSettings(), **start)  # type: ignore[arg-type]
        self.now = 100.0

    def on(self, event: Event, after: float = 0.0) -> list[flow.Command]:
        self.now += after
        return self.flow.receive(event, self.now)

    def types(self, keys: str) -> list[flow.Command]:
        return [command for key in keys for command in self.on(Key(key))]

    def expires(self) -> list[flow.Command]:
        assert self.flow.deadline is not None
        self.now = self.flow.deadline
        return self.on(Expired())


def said(commands: list[flow.Command]) -> list[Phrase]:
    return [phrase for command in commands if isinstance(command, Say) for phrase in command.phrases]


def asked() -> Caller:
    caller = Caller()
    assert said(caller.on(Ready())) == [Phrase.WELCOME]
    return caller


def in_meeting(others: int = 1) -> Caller:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    caller.on(Entered(others, muted=False))
    return caller


def test_the_diagram_is_the_table() -> None:
    drawn: dict[tuple[State, str], frozenset[State]] = {}
    for left, event, right in re.findall(r"^    (\S+) +--(\w+)-+> +([A-Z, ]+)$", machine.__doc__ or "", re.M):
        targets = frozenset(State[name.strip()] for name in right.split(","))
        states = [state for state in State if state is not State.ENDED] if left == "(any)" else [State[left]]
        for state in states:
            drawn[state, event] = targets
    drawn[State.ENDED, "HungUp"] = frozenset({State.ENDED})
    table = {
        (state, event.__name__): targets
        for state, events in machine.TRANSITIONS.items()
        for event, targets in events.items()
    }
    assert drawn == table


def test_a_pin_and_the_meeting() -> None:
    caller = asked()
    caller.on(Spoken())
    assert Hush() in caller.types("1234")
    assert caller.types("#")[-1] == LookUp("1234", None)
    assert caller.on(LookedUp(FOUND)) == [Enter(FOUND)]
    (say,) = caller.on(Entered(2, muted=False))
    assert say == Say((Phrase.JOINING, Phrase.OTHERS_2), name_of="team")
    assert caller.flow.state is State.MEETING
    assert caller.flow.deadline is None


@pytest.mark.parametrize(
    ("others", "phrase"),
    [(0, Phrase.ALONE), (1, Phrase.ONE_OTHER), (20, Phrase.OTHERS_20), (21, Phrase.OTHERS_MANY)],
)
def test_how_many_others(others: int, phrase: Phrase) -> None:
    caller = Caller(found=FOUND)
    assert caller.on(Ready()) == [Enter(FOUND)]
    assert said(caller.on(Entered(others, muted=False))) == [Phrase.JOINING, phrase]


def test_muted_on_entry_is_told() -> None:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    assert said(caller.on(Entered(0, muted=True)))[-1] is Phrase.MUTED_ON_ENTRY


def test_a_pause_ends_the_pin() -> None:
    caller = asked()
    caller.types("12")
    caller.now += 3.9
    caller.types("34")
    assert caller.flow.deadline == caller.now + 4.0
    assert caller.expires() == [LookUp("1234", None)]


def test_star_starts_over() -> None:
    caller = asked()
    caller.types("99*")
    assert caller.flow.state is State.ASKING
    assert caller.types("1234#")[-1] == LookUp("1234", None)


def test_keys_typed_ahead_of_the_voice_count() -> None:
    caller = Caller()
    assert caller.types("1234#") == []
    assert caller.on(Ready())[-1] == LookUp("1234", None)


def test_keys_typed_during_the_look_up_are_taken_afterwards() -> None:
    caller = asked()
    caller.types("1111#")
    assert caller.types("2222#") == []
    assert caller.on(LookedUp(NotFound()))[-1] == LookUp("2222", None)
    caller.types("*6")
    caller.on(LookedUp(FOUND))
    assert ToggleMute() in caller.on(Entered(0, muted=False))


def test_three_wrong_pins_then_goodbye() -> None:
    caller = asked()
    for _ in range(2):
        caller.types("1111#")
        assert said(caller.on(LookedUp(NotFound()))) == [Phrase.WRONG_PIN]
    caller.types("1111#")
    assert said(caller.on(LookedUp(NotFound()))) == [Phrase.TOO_MANY_TRIES]
    assert caller.on(Spoken()) == [HangUp(Outcome.WRONG_PIN)]


def test_a_wrong_pin_in_the_uri_counts_as_a_try() -> None:
    caller = Caller(slug="team", wrong_tries=1)
    assert said(caller.on(Ready())) == [Phrase.WRONG_PIN]
    caller.types("1111#")
    caller.on(LookedUp(Refused(Outcome.WRONG_PIN)))
    assert caller.types("2222#")[-1] == LookUp("2222", "team")
    assert said(caller.on(LookedUp(Refused(Outcome.WRONG_PIN)))) == [Phrase.TOO_MANY_TRIES]


def test_no_tries_left_from_the_uri() -> None:
    caller = Caller(wrong_tries=3)
    assert said(caller.on(Ready())) == [Phrase.TOO_MANY_TRIES]


def test_the_named_room_is_asked_for() -> None:
    caller = Caller(slug="team")
    assert said(caller.on(Ready())) == [Phrase.ASK_ROOM_PIN]


def test_silence_repeats_twice_then_goodbye() -> None:
    caller = asked()
    for _ in range(2):
        assert caller.flow.deadline is None, "the wait begins when the question was spoken"
        caller.on(Spoken())
        assert caller.flow.deadline == caller.now + 10.0
        assert said(caller.expires()) == [Phrase.WELCOME]
    caller.on(Spoken())
    assert said(caller.expires()) == [Phrase.GOODBYE_SILENT]
    assert caller.on(Spoken()) == [HangUp(Outcome.NO_PIN)]


def test_pressing_keys_for_ever_ends() -> None:
    caller = asked()
    for _ in range(200):
        if caller.flow.state is State.LEAVING:
            break
        caller.types("1*")
        caller.on(Spoken())
        if caller.now - 100.0 > 175:
            caller.expires()
        else:
            caller.now += 2
    assert caller.flow.state is State.LEAVING


@pytest.mark.parametrize(
    ("answer", "phrase", "outcome"),
    [
        (Unavailable("x"), Phrase.UNAVAILABLE, Outcome.UNAVAILABLE),
        (Refused(Outcome.PIN_THROTTLED), Phrase.PIN_THROTTLED, Outcome.PIN_THROTTLED),
        (Refused(Outcome.ROOM_LOCKED), Phrase.ROOM_LOCKED, Outcome.ROOM_LOCKED),
    ],
)
def test_a_refusing_directory(answer: Refused | Unavailable, phrase: Phrase, outcome: Outcome) -> None:
    caller = asked()
    caller.types("1234#")
    assert said(caller.on(LookedUp(answer))) == [phrase]
    assert caller.on(Spoken()) == [HangUp(outcome)]


def test_a_full_room() -> None:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    assert said(caller.on(Refusal(Outcome.ROOM_FULL))) == [Phrase.ROOM_FULL]


def test_keys_in_the_meeting() -> None:
    caller = in_meeting()
    assert caller.types("*6") == [ToggleMute()]
    assert said(caller.on(Muted(muted=True, by_host=False))) == [Phrase.MUTED]
    assert said(caller.on(Muted(muted=False, by_host=False))) == [Phrase.UNMUTED]
    assert said(caller.on(Muted(muted=True, by_host=True))) == [Phrase.MUTED_BY_HOST]
    assert said(caller.types("*1")) == [Phrase.HELP]
    assert said(caller.on(Alone())) == [Phrase.ALONE]
    commands = caller.types("##")
    assert commands == [Vacate(), Say((Phrase.GOODBYE,), last=True)]
    assert caller.on(Spoken()) == [HangUp(Outcome.LEFT)]


def test_the_hand_goes_up_and_down() -> None:
    caller = in_meeting()
    assert caller.types("*9") == [ToggleHand()]
    assert said(caller.on(HandMoved(raised=True, by_host=False))) == [Phrase.HAND_RAISED]
    assert caller.types("*9") == [ToggleHand()]
    assert said(caller.on(HandMoved(raised=False, by_host=False))) == [Phrase.HAND_LOWERED]
    assert said(caller.on(HandMoved(raised=False, by_host=True))) == [Phrase.HAND_LOWERED_BY_HOST]


def waiting() -> Caller:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    assert caller.on(Waiting()) == [Say((Phrase.WAITING_ROOM,))]
    assert caller.flow.state is State.LOBBY
    return caller


def test_who_waits_hears_music_and_every_half_minute_a_word() -> None:
    caller = waiting()
    for _ in range(3):
        assert caller.flow.deadline is None, "the music is counted from its beginning"
        assert caller.on(Spoken(), after=3.0) == [PlayMusic()]
        assert caller.flow.deadline == caller.now + 30.0
        assert caller.expires() == [Say((Phrase.WAITING_ROOM,))]


@pytest.mark.parametrize("music", [False, True])
def test_who_is_let_in_joins(music: bool) -> None:
    caller = waiting()
    if music:
        caller.on(Spoken())
    assert caller.on(Entered(1, muted=False)) == [Say((Phrase.JOINING, Phrase.ONE_OTHER), name_of="team")]
    assert caller.flow.state is State.MEETING
    assert caller.flow.deadline is None


def test_who_is_not_let_in_is_told_so() -> None:
    caller = waiting()
    caller.on(Spoken())
    assert caller.on(Refusal(Outcome.REMOVED)) == [Vacate(), Say((Phrase.NOT_ADMITTED,), last=True)]
    assert caller.on(Spoken()) == [HangUp(Outcome.REMOVED)]


def test_a_meeting_that_is_full_when_a_host_lets_one_in() -> None:
    assert said(waiting().on(Refusal(Outcome.ROOM_FULL))) == [Phrase.ROOM_FULL]


def test_who_waits_may_leave_and_do_nothing_else() -> None:
    caller = waiting()
    assert caller.types("*6*9*11234#") == []
    caller.now += 5.0
    assert caller.types("##") == [Vacate(), Say((Phrase.GOODBYE,), last=True)]
    assert caller.on(Refusal(Outcome.CANCELLED)) == [], "the wait has been given up"
    assert caller.on(Spoken()) == [HangUp(Outcome.LEFT)]


def test_a_place_in_the_waiting_room_that_comes_too_late_is_given_back() -> None:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    caller.on(Dismissed(Outcome.DRAINING))
    assert caller.on(Waiting()) == [Vacate()]


def test_a_goodbye_that_cannot_be_heard_out_ends_all_the_same() -> None:
    caller = in_meeting()
    caller.types("##")
    assert caller.expires() == [HangUp(Outcome.LEFT)]


def test_dismissed_from_anywhere() -> None:
    for caller in (Caller(), asked(), waiting(), in_meeting()):
        assert Phrase.ENDING in said(caller.on(Dismissed(Outcome.DRAINING)))
        assert caller.on(Dismissed(Outcome.DRAINING)) == [], "once is enough"
        assert caller.on(Spoken()) == [HangUp(Outcome.DRAINING)]


def test_a_seat_that_comes_too_late_is_given_back() -> None:
    caller = Caller(found=FOUND)
    caller.on(Ready())
    caller.on(Dismissed(Outcome.DRAINING))
    assert caller.on(Entered(0, muted=False)) == [Vacate()]


def test_illegal_events_change_nothing() -> None:
    caller = in_meeting()
    with pytest.raises(IllegalEventError):
        caller.on(Ready())
    assert caller.flow.state is State.MEETING


def test_nothing_after_the_end() -> None:
    caller = in_meeting()
    caller.on(HungUp())
    assert caller.flow.state is State.ENDED
    with pytest.raises(IllegalEventError):
        caller.on(Key("1"))


def test_every_outcome_said_has_a_phrase_of_its_own() -> None:
    assert len(set(machine.GOODBYES.values())) == len(machine.GOODBYES)
