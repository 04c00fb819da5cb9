"""Who is in a meeting, who waits, and what the others are told of it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from conferencing.events import Event, Joined, Left, LeftAlone, MuteChanged, Reason, Removed
from conferencing.lobby import Decision, Knock
from conferencing.meeting import Meeting, MeetingRules
from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError

NOW = 100.0


def a_meeting(**rules: object) -> tuple[Meeting, list[Event]]:
    meeting = Meeting("team", MeetingRules(**rules), clock=lambda: NOW, wall=lambda: 1e9)  # type: ignore[arg-type]
    told: list[Event] = []
    meeting.listen(told.append)
    return meeting, told


def enter(
    meeting: Meeting, name: str, *, host: bool = False, decided: list[Decision] | None = None
) -> Participant | Knock:
    tell = [] if decided is None else decided
    return meeting.enter(name, Kind.PHONE, name, host=host, decided=tell.append)


def join(meeting: Meeting, name: str, *, host: bool = False) -> Participant:
    participant = enter(meeting, name, host=host)
    assert isinstance(participant, Participant)
    return participant


def refused(meeting: Meeting, *, host: bool = False) -> Outcome:
    with pytest.raises(PasserelleError) as caught:
        enter(meeting, "late", host=host)
    return caught.value.outcome


def test_joining_and_leaving_are_told_after_they_happened() -> None:
    meeting, told = a_meeting()
    counts: list[int] = []
    meeting.listen(lambda _: counts.append(len(meeting)))
    anna = join(meeting, "anna")
    assert (anna.joined_at, anna.kind, anna.muted) == (NOW, Kind.PHONE, False)
    bob = join(meeting, "bob")
    assert list(meeting) == [anna, bob]
    assert meeting.get("bob") is bob
    meeting.leave(anna)
    meeting.leave(anna)
    assert list(meeting) == [bob]
    assert told == [Joined(anna), Joined(bob), Left(anna), LeftAlone(bob)]
    assert counts == [1, 2, 1, 1]
    assert not meeting.deserted
    meeting.leave(bob)
    assert meeting.deserted


def test_nobody_enters_a_full_meeting_and_only_hosts_a_locked_one() -> None:
    meeting, told = a_meeting(max_participants=1)
    join(meeting, "anna")
    assert refused(meeting) is Outcome.ROOM_FULL
    assert refused(meeting, host=True) is Outcome.ROOM_FULL
    meeting, told = a_meeting(locked=True)
    assert refused(meeting) is Outcome.ROOM_LOCKED
    assert told == []
    assert meeting.deserted
    join(meeting, "host", host=True)
    meeting.set_locked(False)
    join(meeting, "anna")


def test_muted_on_entry_but_for_hosts() -> None:
    meeting, _ = a_meeting(muted_on_entry=True)
    assert join(meeting, "anna").muted
    assert not join(meeting, "host", host=True).muted


def test_mute_is_told_once() -> None:
    meeting, told = a_meeting()
    anna = join(meeting, "anna")
    told.clear()
    meeting.set_muted(anna, True)
    meeting.set_muted(anna, True, by_host=True)
    meeting.set_muted(anna, False, by_host=True)
    assert told == [MuteChanged(anna, False), MuteChanged(anna, True)]
    assert not anna.muted


def test_muting_all_spares_hosts_and_who_asks() -> None:
    meeting, _ = a_meeting()
    host, other_host = join(meeting, "host", host=True), join(meeting, "other", host=True)
    anna, bob = join(meeting, "anna"), join(meeting, "bob")
    meeting.mute_all(host)
    assert [one.muted for one in (host, other_host, anna, bob)] == [False, False, True, True]


def test_removal_is_told_after_the_leaving() -> None:
    meeting, told = a_meeting()
    anna = join(meeting, "anna")
    told.clear()
    meeting.remove(anna)
    meeting.remove(anna)
    assert told == [Left(anna, Reason.REMOVED), Removed(anna, Reason.REMOVED)]


def test_the_link_of_a_removed_host_leads_to_the_waiting_room_while_a_host_is_there() -> None:
    meeting, _ = a_meeting()
    host, rogue = join(meeting, "host", host=True), join(meeting, "rogue", host=True)
    meeting.demote(rogue)  # has the link all the same
    meeting.remove(rogue, by=host)
    meeting.set_locked(True)
    knock = enter(meeting, "rogue", host=True)
    assert isinstance(knock, Knock)
    assert refused(meeting) is Outcome.ROOM_LOCKED
    meeting.admit("rogue")
    back = meeting.get("rogue")
    assert back is not None
    assert (back.host, back.key) == (False, True)
    meeting.leave(back)
    meeting.leave(host)
    join(meeting, "late host", host=True)
    join(meeting, "another", host=True)


def test_links_go_on_to_make_hosts_when_others_are_removed() -> None:
    meeting, _ = a_meeting()
    host, helper = join(meeting, "host", host=True), join(meeting, "helper")
    meeting.promote(helper)
    meeting.remove(join(meeting, "guest"), by=host)
    join(meeting, "other", host=True)
    meeting.remove(host, by=helper)  # who was made a host cannot take the door from who has the link
    join(meeting, "host", host=True)


def test_who_waits_is_no_participant_until_admitted() -> None:
    meeting, _ = a_meeting(waiting_room=True)
    decided: list[Decision] = []
    assert isinstance(enter(meeting, "anna", decided=decided), Knock)
    assert len(meeting) == 0
    assert not meeting.deserted, "somebody waits"
    join(meeting, "host", host=True)
    meeting.admit("anna")
    meeting.admit("anna")
    meeting.admit("nobody")
    assert [one.name for one in meeting] == ["host", "anna"]
    assert decided == [meeting.get("anna")]
    assert len(meeting.lobby) == 0


def test_turned_away_given_up_and_ended() -> None:
    meeting, _ = a_meeting(waiting_room=True)
    answers: dict[str, list[Decision]] = {name: [] for name in ("anna", "bob", "carl")}
    for name, decided in answers.items():
        enter(meeting, name, decided=decided)
    host = join(meeting, "host", host=True)
    meeting.turn_away("anna")
    meeting.give_up("bob")
    meeting.end()
    assert answers == {"anna": [Outcome.REMOVED], "bob": [], "carl": [Outcome.MEETING_ENDED]}
    assert meeting.deserted
    meeting.leave(host)


def test_nobody_is_admitted_into_a_full_meeting() -> None:
    meeting, _ = a_meeting(waiting_room=True, max_participants=1)
    decided: list[Decision] = []
    host = join(meeting, "host", host=True)
    enter(meeting, "anna", decided=decided)
    with pytest.raises(PasserelleError) as caught:
        meeting.admit("anna")
    assert caught.value.outcome is Outcome.ROOM_FULL
    assert decided == []
    meeting.leave(host)
    meeting.admit("anna")
    assert decided == [meeting.get("anna")]


def test_what_a_listener_changes_is_told_after_what_it_was_told_of() -> None:
    meeting, _ = a_meeting()
    first: list[Event] = []
    second: list[Event] = []

    def mutes_newcomers(event: Event) -> None:
        first.append(event)
        if isinstance(event, Joined):
            meeting.set_muted(event.participant, True, by_host=True)

    meeting.listen(mutes_newcomers)
    meeting.listen(second.append)
    anna = join(meeting, "anna")
    assert first == second == [Joined(anna), MuteChanged(anna, True)]


def test_who_listens_no_more_is_told_no_more() -> None:
    meeting, told = a_meeting()
    heard: list[Event] = []
    stop = meeting.listen(heard.append)
    join(meeting, "anna")
    stop()
    join(meeting, "bob")
    assert len(heard) == 1
    assert len(told) == 2


def test_one_hears_of_what_concerns_one_participant_only() -> None:
    meeting, _ = a_meeting()
    anna, bob = join(meeting, "anna"), join(meeting, "bob")
    heard: list[Event] = []
    stop = meeting.listen(heard.append, anna)
    meeting.set_muted(bob, True)
    meeting.set_muted(anna, True)
    meeting.say(anna, "hello")
    meeting.leave(bob)
    assert heard == [MuteChanged(anna, False), LeftAlone(anna)]
    stop()
    meeting.set_muted(anna, False)
    assert len(heard) == 2


def test_a_listener_that_fails_disturbs_no_other() -> None:
    meeting = Meeting("team", MeetingRules(), clock=lambda: NOW, wall=lambda: 1e9)
    heard: list[Event] = []

    def raises(_: Event) -> None:
        raise RuntimeError("bug")

    meeting.listen(raises)
    meeting.listen(heard.append)
    with capture_logs() as logs:
        anna = join(meeting, "anna")
        meeting.leave(anna)
    assert heard == [Joined(anna), Left(anna)]
    assert [entry["log_level"] for entry in logs] == ["error", "error"]
