"""Whatever happens in the meetings: nobody hears themselves, another room, or who is muted or on hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.announcer import Recording, Utterance
from conferencing.participant import Kind
from media.codecs import G722, PCMA, PCMU, Codec
from tests.bridge.lines import Line, Receiver, Seat, a_meeting, a_mixer, level_of, tone

CODECS = (PCMU, G722, PCMA, G722, PCMU)
BLOCK = 10  # ticks between two things that happen
GUARD = 2  # ticks after one that are not looked at: fades and filters
DELAY = 80  # samples at 8 kHz by which codecs and filters may delay
HEARD = 0.35  # correlation with what somebody said; of three who speak at once each has 0.5 and more
UNHEARD = 0.25


class Step(NamedTuple):
    """One thing that happens to one line."""

    line: int
    what: str


STEPS = st.builds(
    Step,
    st.integers(0, len(CODECS) - 1),
    st.sampled_from(
        ["enter a", "enter b", "leave", "mute", "unmute", "hold", "resume", "say", "hush", "play"]
    ),
)


def noise(seed: int, ticks: int) -> NDArray[np.int16]:
    """What a line says, at 8 kHz: known from everybody else's, and loud all the time."""
    return np.random.default_rng(seed).normal(0, 2500, ticks * 160).astype(np.int16)


def widened(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    at = np.arange(2 * len(pcm)) / 2
    return np.interp(at, np.arange(len(pcm)), pcm).astype(np.int16)


def likeness(heard: NDArray[np.int16], said: NDArray[np.int16]) -> float:
    """Correlation at the best delay; ``said`` begins DELAY samples earlier."""
    one, two = heard.astype(np.float64), said.astype(np.float64)
    norm = np.sqrt(one.dot(one) * two[DELAY:].dot(two[DELAY:]))
    if not norm:
        return 0.0
    return float(np.abs(np.correlate(two, one, "valid")).max() / norm)


class World:
    """A mixer, five telephones that never stop talking, and what should be true of them."""

    def __init__(self, blocks: int) -> None:
        self.mixer = a_mixer(joined=tone(700.0, 0.1, 8000))
        self.meetings = {key: a_meeting(key) for key in ("a", "b")}
        self.said = [noise(seed, blocks * BLOCK) for seed in range(len(CODECS))]
        self.lines = [
            Line(codec, widened(pcm) if codec is G722 else pcm)
            for codec, pcm in zip(CODECS, self.said, strict=True)
        ]
        self.channels = [self.mixer.add(line) for line in self.lines]
        self.rooms: list[str | None] = [None] * len(CODECS)
        self.quiet = True  # nothing but speech
        self.tick = 0

    def do(self, step: Step) -> None:
        channel, line = self.channels[step.line], self.lines[step.line]
        match step.what.split():
            case ["enter", key] if self.rooms[step.line] is None:
                self.mixer.enter(channel, Seat(self.meetings[key]))
                self.rooms[step.line] = key
            case ["leave"]:
                self.mixer.leave(channel)
                self.rooms[step.line] = None
            case ["mute" | "unmute" as word]:
                channel.muted = word == "mute"
            case ["hold" | "resume" as word]:
                line.speaks = word == "resume"
            case ["say"]:
                words = Recording.of(tone(1000.0, 0.1, 8000), tone(1000.0, 0.1, 16000))
                self.mixer.say(channel, Utterance([words]), lambda: None)
                self.quiet = False
            case ["hush"]:
                self.mixer.hush(channel)
            case ["play"]:
                for meeting in self.meetings.values():
                    meeting.leave(meeting.join("ada", Kind.BROWSER, "Ada"))
                self.quiet = False

    def run(self) -> None:
        """A block of ticks, then look who heard whom."""
        for _ in range(BLOCK):
            self.mixer.tick(self.tick)
            self.tick += 1
        for listener in range(len(CODECS)):
            self._check(listener)
        self.quiet = True

    def speaks(self, index: int) -> bool:
        return self.rooms[index] is not None and not self.channels[index].muted and self.lines[index].speaks

    def _check(self, listener: int) -> None:
        line = self.lines[listener]
        size = line.codec.sample_rate // 50
        heard = line.heard()[-(BLOCK - GUARD) * size :]
        if line.codec is G722:
            heard = heard.reshape(-1, 2).mean(axis=1).astype(np.int16)
        end, start = self.tick * 160, (self.tick - BLOCK + GUARD) * 160 - DELAY
        room = self.rooms[listener]
        speakers = [i for i in range(len(CODECS)) if self.speaks(i) and self.rooms[i] == room]
        for other in range(len(CODECS)):
            alike = likeness(heard, self.said[other][start:end])
            if other == listener or other not in speakers or room is None:
                assert alike < UNHEARD, f"{listener} hears {other}: {alike:.2f}"
            elif len(speakers) <= 3 and self.quiet:
                assert alike > HEARD, f"{listener} does not hear {other}: {alike:.2f}"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(STEPS, max_size=5), min_size=1, max_size=7))
def test_whatever_happens_everybody_hears_who_speaks_in_the_room_and_nobody_else(
    blocks: list[list[Step]],
) -> None:
    world = World(len(blocks) + 1)
    for index in range(3):
        world.do(Step(index, "enter a"))
    world.run()
    for steps in blocks:
        for step in steps:
            world.do(step)
        world.run()
    for channel in world.channels:
        world.mixer.remove(channel)
    assert len(world.mixer) == 0
    assert world.mixer._rooms == {}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(STEPS, st.sampled_from([None, PCMU, PCMA, G722]), st.integers(1, 4)), max_size=25))
def test_no_change_of_codec_and_no_skipped_tick_raises(
    changes: list[tuple[Step, Codec | None, int]],
) -> None:
    world = World(4)
    for step, codec, ticks in changes:
        world.do(step)
        if codec is not None:
            line = world.lines[step.line]
            line.codec, line.receiver = codec, Receiver(codec, tone(400.0, 0.2, codec.sample_rate))
            world.mixer.renew(world.channels[step.line])
        world.tick += ticks
        world.mixer.tick(world.tick)
    for line in world.lines:
        assert len(line.sent) == len(changes)
        assert all(len(payload) == 160 for payload in line.sent)
        assert line.failures == []


def test_who_is_put_on_hold_keeps_no_place_among_the_speakers() -> None:
    mixer, room = a_mixer(), Seat(a_meeting())
    speaker, listener = Line(PCMU, tone(400.0, 2.0, 8000)), Line(PCMU)
    for line in (speaker, listener):
        mixer.enter(mixer.add(line), room)
    for tick in range(20):
        mixer.tick(tick)
    speaker.speaks = False  # what comes now is music
    for tick in range(20, 40):
        mixer.tick(tick)
    assert not listener.heard(since=21).any(), "nothing after the tick that fades out"


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722])
def test_who_loses_and_who_wins_a_place_is_faded(codec: Codec) -> None:
    """A fourth, much louder voice takes a place: no step in the sound is larger than speech makes."""
    mixer, room = a_mixer(), Seat(a_meeting())
    silence = np.zeros(codec.sample_rate, np.int16)
    for frequency in (300.0, 350.0, 400.0):
        mixer.enter(mixer.add(Line(codec, tone(frequency, 2.0, codec.sample_rate, 2000))), room)
    loud = tone(450.0, 1.0, codec.sample_rate, 8000)
    mixer.enter(mixer.add(Line(codec, np.concatenate([silence, np.roll(loud, 9)]))), room)
    listener = Line(codec)
    mixer.enter(mixer.add(listener), room)
    for tick in range(100):
        mixer.tick(tick)
    heard = listener.heard(20).astype(np.float64)
    slope = 2 * np.pi * 450.0 / codec.sample_rate * (8000 + 3 * 2000)
    assert np.abs(np.diff(heard)).max() < 1.5 * slope
    assert level_of(listener.heard(60), codec.sample_rate, 450.0) > -20


def test_words_said_at_the_end_of_others_are_told_at_their_own_end() -> None:
    """When the end of one announcement starts another to somebody whose own has just ended."""
    mixer = a_mixer()
    first, second = mixer.add(Line(PCMU)), mixer.add(Line(PCMU))
    words = Recording.of(tone(1000.0, 0.04, 8000), tone(1000.0, 0.04, 16000))
    told: list[str] = []

    def say_again() -> None:
        told.append("first")
        mixer.say(second, Utterance([words]), lambda: told.append("again"))

    mixer.say(first, Utterance([words]), say_again)
    mixer.say(second, Utterance([words]), lambda: told.append("second"))
    for tick in range(3):
        mixer.tick(tick)
    assert told == ["first", "second"]
    for tick in range(3, 6):
        mixer.tick(tick)
    assert told == ["first", "second", "again"]


def test_a_line_that_ends_while_it_is_asked_disturbs_no_other() -> None:
    """A key that is heard as sound may end its call in the middle of a tick."""
    mixer = a_mixer()
    lines = [Line(PCMU, tone(400.0, 1.0, 8000)) for _ in range(3)]
    channels = [mixer.add(line) for line in lines]

    class Ending(Receiver):
        def take_plain(self) -> bytes | None:
            mixer.remove(channels[0])
            return super().take_plain()

    channels[0].receiver = Ending(PCMU, tone(400.0, 1.0, 8000))
    mixer.tick(0)
    mixer.tick(1)
    assert [len(line.sent) for line in lines] == [0, 2, 2]


def test_a_meeting_whose_mix_fails_ends_alone() -> None:
    mixer = a_mixer()
    rooms = {key: Seat(a_meeting(key)) for key in ("good", "bad")}
    bad, its_neighbour = Line(PCMU), Line(PCMU)
    good, listener = Line(PCMU, tone(400.0, 1.0, 8000)), Line(G722)
    for line, key in ((bad, "bad"), (its_neighbour, "bad"), (good, "good"), (listener, "good")):
        mixer.enter(mixer.add(line), rooms[key])

    class TooShort(Receiver):
        def take_plain(self) -> bytes | None:
            return None

        def take_pcm(self) -> NDArray[np.int16]:
            return np.full(7, 9000, np.int16)

    for channel in tuple(mixer._channels):
        if channel.line is bad:
            channel.receiver = TooShort(PCMU, None)
    mixer.enter(mixer.add(Line(PCMU, tone(500.0, 1.0, 8000))), rooms["bad"])
    for tick in range(40):
        mixer.tick(tick)
    assert len(bad.failures) == len(its_neighbour.failures) == 1
    assert len(mixer) == 2
    assert level_of(listener.heard(5), 16000, 400.0) > -20
    assert len(good.sent) == 40
