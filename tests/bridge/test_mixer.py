"""Who hears whom, proved by tones found in what each line was sent."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.announcer import Recording, Utterance
from bridge.channel import Channel
from bridge.mixer import Mixer
from conferencing.meeting import Meeting
from conferencing.participant import Kind
from media.codecs import G722, PCMA, PCMU, Codec
from tests.bridge.lines import BrokenReceiver, Line, Seat, a_meeting, a_mixer, level_of, tone

PRESENT = -20.0  # dB: the tones are at -12
ABSENT = -50.0
FREQUENCIES = (400.0, 700.0, 1000.0, 1300.0, 1600.0)

ROOM = a_meeting("room")


def talker(codec: Codec, frequency: float, seconds: float = 1.0, level: int = 8000) -> Line:
    return Line(codec, tone(frequency, seconds, codec.sample_rate, level))


def run(mixer: Mixer, ticks: int, first: int = 0) -> None:
    for tick in range(first, first + ticks):
        mixer.tick(tick)


def enter(mixer: Mixer, line: Line, meeting: Meeting = ROOM) -> Channel:
    channel = mixer.add(line)
    mixer.enter(channel, Seat(meeting))
    return channel


def heard_tones(line: Line, since: int = 10) -> set[float]:
    """The frequencies that a line hears; any that is neither there nor absent fails."""
    pcm = line.heard(since)
    levels = {frequency: level_of(pcm, line.codec.sample_rate, frequency) for frequency in FREQUENCIES}
    assert all(level > PRESENT or level < ABSENT for level in levels.values()), levels
    return {frequency for frequency, level in levels.items() if level > PRESENT}


@pytest.mark.parametrize("codecs", [(PCMU, PCMU, PCMU), (PCMA, PCMU, PCMA), (G722, PCMU, G722), (G722,) * 3])
def test_three_hear_each_other_and_never_themselves(codecs: tuple[Codec, ...]) -> None:
    mixer = a_mixer()
    lines = [talker(codec, frequency) for codec, frequency in zip(codecs, FREQUENCIES, strict=False)]
    for line in lines:
        enter(mixer, line)
    run(mixer, 45)
    for own, line in zip(FREQUENCIES, lines, strict=False):
        assert heard_tones(line) == set(FREQUENCIES[:3]) - {own}


def test_listeners_share_one_stream_and_hear_all_three() -> None:
    mixer = a_mixer()
    for frequency in FREQUENCIES[:3]:
        enter(mixer, talker(PCMU, frequency))
    listeners = [Line(PCMU), Line(PCMU), Line(PCMA)]
    for line in listeners:
        enter(mixer, line)
    run(mixer, 45)
    assert all(heard_tones(line) == set(FREQUENCIES[:3]) for line in listeners)
    assert listeners[0].sent[20] is listeners[1].sent[20]


def test_another_room_hears_nothing_of_it() -> None:
    mixer = a_mixer()
    enter(mixer, talker(PCMU, 400.0), a_meeting("here"))
    other = Line(PCMU)
    enter(mixer, other, a_meeting("there"))
    run(mixer, 30)
    assert not other.heard().any()
    assert len(other.sent) == 30, "silence is sent all the same"


def test_the_three_loudest_of_five_are_heard() -> None:
    mixer = a_mixer()
    lines = [
        talker(PCMU, frequency, level=level)
        for frequency, level in zip(FREQUENCIES, (9000, 9000, 9000, 1500, 1500), strict=True)
    ]
    listener = Line(PCMU)
    for line in (*lines, listener):
        enter(mixer, line)
    run(mixer, 45)
    assert heard_tones(listener) == set(FREQUENCIES[:3])
    assert heard_tones(lines[4]) == set(FREQUENCIES[:3]), "who is not loud enough is a listener like others"


def test_muted_speech_is_absent_and_returns() -> None:
    mixer = a_mixer()
    speaker, listener = talker(PCMU, 400.0, 2.0), Line(PCMU)
    channel = enter(mixer, speaker)
    enter(mixer, listener)
    channel.muted = True
    run(mixer, 30)
    assert heard_tones(listener) == set()
    channel.muted = False
    run(mixer, 40, first=30)
    assert heard_tones(listener, since=40) == {400.0}


def test_what_is_sent_on_hold_never_reaches_the_meeting() -> None:
    mixer = a_mixer()
    speaker, listener = talker(G722, 400.0), Line(PCMU)
    speaker.speaks = False
    enter(mixer, speaker)
    enter(mixer, listener)
    run(mixer, 30)
    assert not listener.heard().any()


def test_wideband_telephones_hear_each_other_in_wideband() -> None:
    mixer = a_mixer()
    listener, narrow = Line(G722), Line(PCMU)
    enter(mixer, talker(G722, 6000.0))
    enter(mixer, listener)
    enter(mixer, narrow)
    run(mixer, 45)
    assert level_of(listener.heard(10), 16000, 6000.0) > PRESENT
    assert level_of(narrow.heard(10), 8000, 2000.0) < ABSENT, "nothing of it is folded down into 8 kHz"


def test_words_are_said_over_the_meeting_to_one_only() -> None:
    mixer = a_mixer()
    enter(mixer, talker(PCMU, 400.0))
    addressed, other = Line(PCMU), Line(PCMU)
    channel = enter(mixer, addressed)
    enter(mixer, other)
    words = Recording.of(tone(1000.0, 0.5, 8000), tone(1000.0, 0.5, 16000))
    said: list[int] = []
    mixer.say(channel, Utterance([words]), lambda: said.append(1))
    run(mixer, 25)
    assert not said
    run(mixer, 1, first=25)
    assert said == [1]
    assert heard_tones(addressed) == {400.0, 1000.0}
    assert heard_tones(other) == {400.0}


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722])
def test_words_are_heard_before_any_meeting(codec: Codec) -> None:
    mixer = a_mixer()
    line = Line(codec)
    channel = mixer.add(line)
    words = Recording.of(tone(1000.0, 0.5, 8000), tone(1000.0, 0.5, 16000))
    mixer.say(channel, Utterance([words, words]), lambda: None)
    run(mixer, 50)
    assert heard_tones(line) == {1000.0}


def test_hushed_words_stop_and_their_end_is_not_told() -> None:
    mixer = a_mixer()
    line = Line(PCMU)
    channel = mixer.add(line)
    said: list[int] = []
    words = Recording.of(tone(1000.0, 0.5, 8000), tone(1000.0, 0.5, 16000))
    mixer.say(channel, Utterance([words]), lambda: said.append(1))
    run(mixer, 5)
    mixer.hush(channel)
    run(mixer, 30, first=5)
    assert not said
    assert not line.heard(since=5).any()


def test_the_whole_room_hears_who_comes_and_goes() -> None:
    mixer = a_mixer(joined=tone(1300.0, 0.8, 8000), left=tone(700.0, 0.8, 8000))
    meeting, lines = a_meeting(), [Line(PCMU), Line(PCMA)]
    channels = [enter(mixer, line, meeting) for line in lines]
    browser = meeting.join("ada", Kind.BROWSER, "Ada")
    run(mixer, 35)
    assert all(heard_tones(line) == {1300.0} for line in lines)
    for line in lines:
        line.sent.clear()
    run(mixer, 20, first=35)
    meeting.leave(browser)
    run(mixer, 35, first=55)
    assert all(heard_tones(line, since=25) == {700.0} for line in lines)
    for channel in channels:
        mixer.leave(channel)
    assert meeting._listeners == {None: []}


@pytest.mark.parametrize("codec", [PCMU, G722])
def test_no_click_when_a_listener_begins_to_speak(codec: Codec) -> None:
    """Its stream changes from the shared encoder to one of its own; the sound must not show where."""
    mixer = a_mixer()
    enter(mixer, talker(codec, 400.0, 3.0))
    pauser = Line(
        codec, np.concatenate([np.zeros(codec.sample_rate, np.int16), tone(1000.0, 1.0, codec.sample_rate)])
    )
    enter(mixer, pauser)
    run(mixer, 100)
    pcm = pauser.heard(20).astype(np.float64)
    assert level_of(pauser.heard(60), codec.sample_rate, 1000.0) < ABSENT, "never itself"
    steps = np.abs(np.diff(pcm))
    slope = 8000 * 2 * np.pi * 400.0 / codec.sample_rate
    assert steps.max() < 1.5 * slope


def test_who_leaves_is_heard_no_more_and_hears_no_more() -> None:
    mixer = a_mixer()
    leaver, stayer = talker(G722, 400.0, 2.0), talker(PCMU, 1000.0, 2.0)
    channel = enter(mixer, leaver)
    enter(mixer, stayer)
    run(mixer, 30)
    mixer.leave(channel)
    run(mixer, 30, first=30)
    assert heard_tones(stayer, since=35) == set()
    assert heard_tones(leaver, since=35) == set()
    mixer.remove(channel)
    mixer.remove(channel)
    run(mixer, 5, first=60)
    assert len(leaver.sent) == 60


def test_a_line_that_raises_ends_alone() -> None:
    mixer = a_mixer()
    bad, good, listener = Line(PCMU), talker(PCMU, 400.0), Line(PCMU)
    for line in (bad, good, listener):
        enter(mixer, line)
    bad.receiver = BrokenReceiver()  # type: ignore[assignment]
    for channel in tuple(mixer._channels):
        channel.receiver = channel.line.receiver
    run(mixer, 30)
    assert [str(error) for error in bad.failures] == ["broken"]
    assert heard_tones(listener) == {400.0}


def test_a_codec_changed_in_mid_call_is_heard_and_hears() -> None:
    mixer = a_mixer()
    line, other = talker(PCMU, 400.0, 1.0), talker(PCMU, 1000.0, 3.0)
    channel = enter(mixer, line)
    enter(mixer, other)
    run(mixer, 30)
    again = talker(G722, 700.0, 2.0)
    line.codec, line.receiver = again.codec, again.receiver
    line.sent.clear()
    mixer.renew(channel)
    run(mixer, 50, first=30)
    assert heard_tones(line) == {1000.0}
    assert heard_tones(other, since=40) == {700.0}


def test_ticks_reach_the_lines() -> None:
    mixer = a_mixer()
    line = Line(PCMU)
    enter(mixer, line)
    mixer.tick(7)
    mixer.tick(11)
    assert line.ticks == [7, 11]


def test_after_ticks_that_were_skipped_what_is_said_now_is_heard_now() -> None:
    mixer = a_mixer()
    speaker = Line(PCMU, np.concatenate([tone(400.0, 1.0, 8000), tone(1000.0, 1.0, 8000)]))
    listener = Line(PCMU)
    enter(mixer, speaker)
    enter(mixer, listener)
    run(mixer, 20)
    run(mixer, 30, first=55)
    assert heard_tones(listener, since=25) == {1000.0}
