"""Telephones and browsers in one room: who hears whom, and what becomes of a browser's packets on the way."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from bridge.channel import Channel
from bridge.guests import FORGET, Guest, Guests
from conferencing.engine import SpeakerFrame
from conferencing.meeting import Meeting
from media.codecs import G722, PCMA, PCMU, Codec, Pcm, opus
from media.frames import MOST_FRAMES
from tests.bridge.lines import Browser, Line, Network, Seat, a_meeting, a_mixer, level_of, tone

PRESENT = -20.0  # dB: the tones are at -12
ABSENT = -50.0
TELEPHONES = (PCMU, PCMA, G722)


class House:
    """One meeting: browsers that speak, telephones with a seat each."""

    def __init__(self, *browsers: Browser) -> None:
        self.meeting = a_meeting()
        self.network = Network(self.meeting, *browsers)
        self.mixer = a_mixer(self.network.take)
        self.ticks = 0

    def enters(self, line: Line, *, wanted: bool = True) -> tuple[Channel, Seat]:
        channel, seat = self.mixer.add(line), Seat(self.meeting, wanted=wanted)
        self.mixer.enter(channel, seat)
        return channel, seat

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.mixer.tick(self.ticks)
            self.ticks += 1


def level(pcm: Pcm, rate: int, frequency: float) -> float:
    return level_of(pcm, rate, frequency)


@pytest.mark.parametrize("codec", TELEPHONES)
def test_a_browser_is_heard_by_every_kind_of_telephone(codec: Codec) -> None:
    house = House(Browser("ada", tone(1000.0, 1.0, 16000)))
    lines = [Line(codec), Line(codec), Line(PCMU)]
    seats = [house.enters(line)[1] for line in lines]
    house.run(50)
    for line in lines:
        assert level(line.heard(10), line.codec.sample_rate, 1000.0) > PRESENT
    assert all(seat.sent == [] for seat in seats), "what came from the engine does not go back to it"


@pytest.mark.parametrize("codec", TELEPHONES)
def test_a_telephone_is_heard_behind_the_engine_and_hears_the_browser_only(codec: Codec) -> None:
    house = House(Browser("ada", tone(1000.0, 1.0, 16000)))
    line = Line(codec, tone(700.0, 1.0, codec.sample_rate))
    _, seat = house.enters(line)
    house.run(50)
    spoken = seat.heard()[9600:]
    assert level(spoken, 48000, 700.0) > PRESENT
    assert level(spoken, 48000, 1000.0) < ABSENT
    heard = line.heard(10)
    assert level(heard, codec.sample_rate, 1000.0) > PRESENT
    assert level(heard, codec.sample_rate, 700.0) < ABSENT, "never itself"


def test_wideband_stays_wideband_both_ways() -> None:
    house = House(Browser("ada", tone(6000.0, 1.0, 16000)))
    line = Line(G722, tone(5000.0, 1.0, 16000))
    _, seat = house.enters(line)
    house.run(50)
    assert level(line.heard(10), 16000, 6000.0) > PRESENT
    assert level(seat.heard()[9600:], 48000, 5000.0) > PRESENT


def test_levels_are_those_of_the_speech() -> None:
    house = House()
    _, seat = house.enters(Line(PCMU, tone(700.0, 1.0, 8000, level=8000)))
    house.run(50)
    wanted = round(20 * np.log10(8000 / 32768 / np.sqrt(2)))
    assert {round(said) for _, said in seat.sent[5:45]} == {wanted}


def test_nothing_is_encoded_for_nobody() -> None:
    house = House()
    channel, seat = house.enters(Line(PCMU, tone(700.0, 1.0, 8000)), wanted=False)
    house.run(50)
    assert seat.sent == []
    assert channel.speech is not None
    assert channel.speech._encoder is None


def test_silence_and_mute_are_told_once() -> None:
    house = House()
    channel, seat = house.enters(Line(PCMU, tone(700.0, 2.0, 8000)))
    house.run(30)
    channel.muted = True
    house.run(40)
    assert len(seat.sent) == 32, "30 of speech, one that fades out, one of silence"
    payload, told = seat.sent[-1]
    assert len(payload) == 1
    assert told == -127
    assert opus.samples(payload, 48000) == 960
    channel.muted = False
    house.run(10)
    assert len(seat.sent) == 42


def test_who_speaks_into_a_pause_is_silent_by_and_by() -> None:
    """A line that is open and quiet: libopus finds the silence itself, the pause is not worth its frames."""
    house = House()
    quiet = np.concatenate([tone(700.0, 0.4, 8000), np.zeros(8000 * 2, np.int16)])
    _, seat = house.enters(Line(PCMU, quiet))
    house.run(120)
    assert len(seat.sent) < 60
    assert len(seat.sent[-1][0]) == 1


def test_one_ranking_for_all() -> None:
    """Three loud telephones leave no place for a faint browser, and a loud browser takes one of theirs."""
    frequencies = (400.0, 700.0, 1300.0)
    for told, takes in ((-40, False), (-3, True)):
        house = House(Browser("ada", tone(1000.0, 1.0, 16000), level=told))
        listener = Line(PCMU)
        house.enters(listener)
        for frequency in frequencies:
            house.enters(Line(PCMU, tone(frequency, 1.0, 8000)))
        house.run(50)
        heard = listener.heard(15)
        assert (level(heard, 8000, 1000.0) > PRESENT) is takes
        assert sum(level(heard, 8000, each) > PRESENT for each in frequencies) == 3 - takes


def test_a_browser_in_another_room_is_not_heard() -> None:
    house = House(Browser("ada", tone(1000.0, 1.0, 16000)))
    line = Line(PCMU)
    house.mixer.enter(house.mixer.add(line), Seat(a_meeting("elsewhere")))
    house.run(30)
    assert not line.heard().any()


def test_a_codec_changed_in_mid_call_goes_on_being_heard() -> None:
    house = House()
    line = Line(PCMU, tone(700.0, 1.0, 8000))
    channel, seat = house.enters(line)
    house.run(20)
    again = Line(G722, tone(5000.0, 1.0, 16000))
    line.codec, line.receiver = again.codec, again.receiver
    house.mixer.renew(channel)
    seat.sent.clear()
    house.run(30)
    assert level(seat.heard()[9600:], 48000, 5000.0) > PRESENT


def test_who_leaves_sends_nothing_more() -> None:
    house = House()
    channel, seat = house.enters(Line(PCMU, tone(700.0, 2.0, 8000)))
    house.enters(Line(PCMU))
    house.run(30)
    house.mixer.leave(channel)
    seat.sent.clear()
    house.run(10)
    assert seat.sent == []


# One browser's packets


def played(guest: Guest, arrivals: dict[int, list[SpeakerFrame]], ticks: int) -> Pcm:
    """What a telephone hears that hears this guest alone."""
    guest.begin()
    frames: list[Pcm] = []
    for tick in range(ticks):
        for frame in arrivals.get(tick, ()):
            guest.put(frame)
        guest.advance()
        _, wide = guest.heard(narrow=True, wide=True)
        frames.append(np.zeros(320, np.int16) if wide is None else wide)
    return np.concatenate(frames)


def on_time(browser: Browser) -> dict[int, list[SpeakerFrame]]:
    return {tick: [frame] for tick, frame in enumerate(browser.frames)}


def gaps(pcm: Pcm) -> int:
    """Ticks that are silent between the first and the last that are not."""
    loud = np.abs(pcm.reshape(-1, 320)).max(axis=1) > 500
    first, last = np.flatnonzero(loud)[[0, -1]]
    return int((~loud[first:last]).sum())


def test_the_first_frame_waits_for_one_tick() -> None:
    pcm = played(Guest(0), on_time(Browser("ada", tone(1000.0, 1.0, 16000))), 50)
    first = np.flatnonzero(np.abs(pcm) > 1000)[0]
    assert 320 <= first < 500


def test_frames_in_the_wrong_order_are_put_right() -> None:
    browser = Browser("ada", tone(1000.0, 1.0, 16000))
    swapped = [*browser.frames]
    for index in range(0, 50, 2):
        swapped[index : index + 2] = reversed(swapped[index : index + 2])
    straight = played(Guest(0), on_time(browser), 52)
    arrivals = {tick: [frame] for tick, frame in enumerate(swapped)}
    crooked = played(Guest(0), arrivals, 52)
    assert level_of(crooked[3200:], 16000, 1000.0) == pytest.approx(
        level_of(straight[3200:], 16000, 1000.0), abs=0.5
    )


@pytest.mark.parametrize("lost", [{20}, {20, 21}, {10, 20, 30, 40}])
def test_losses_are_mended(lost: set[int]) -> None:
    browser = Browser("ada", tone(1000.0, 1.0, 16000))
    arrivals = {tick: frames for tick, frames in on_time(browser).items() if tick not in lost}
    pcm = played(Guest(0), arrivals, 50)
    assert gaps(pcm) == 0
    assert level_of(pcm[3200:], 16000, 1000.0) > -16


def test_a_duplicate_is_heard_once() -> None:
    browser = Browser("ada", tone(1000.0, 1.0, 16000))
    arrivals = {tick: [*frames, *frames] for tick, frames in on_time(browser).items()}
    assert np.array_equal(played(Guest(0), arrivals, 50), played(Guest(0), on_time(browser), 50))


def test_a_late_stretch_is_played_late_and_the_delay_shrinks_again() -> None:
    """80 ms of delay that come at once and go away again: nothing said is lost but what is cross-faded."""
    browser = Browser("ada", tone(1000.0, 12.0, 16000))
    arrivals: dict[int, list[SpeakerFrame]] = {}
    for tick, frame in enumerate(browser.frames):
        arrivals.setdefault(24 if 20 <= tick < 24 else tick, []).append(frame)
    guest = Guest(0)
    pcm = played(guest, arrivals, 600)
    assert len(guest._buffer) <= 1
    assert gaps(pcm) == 0
    held = played(Guest(0), arrivals, 60)
    assert gaps(held) == 0


def test_jitter_of_60_ms_costs_nothing_once_it_is_known() -> None:
    random = Random(7)
    browser = Browser("ada", tone(1000.0, 8.0, 16000))
    arrivals: dict[int, list[SpeakerFrame]] = {}
    for tick, frame in enumerate(browser.frames):
        late = random.randrange(4) if tick >= 25 else 0
        arrivals.setdefault(tick + late, []).append(frame)
    pcm = played(Guest(0), arrivals, 400)
    assert gaps(pcm) == 0
    assert level_of(pcm[32000:], 16000, 1000.0) > -14


def test_a_pause_ends_the_talk_and_the_next_one_begins_afresh() -> None:
    browser = Browser("ada", tone(1000.0, 2.0, 16000))
    arrivals = {tick + 50 * (tick >= 50): frames for tick, frames in on_time(browser).items()}
    guest = Guest(0)
    pcm = played(guest, arrivals, 160)
    loud = np.abs(pcm.reshape(-1, 320)).max(axis=1) > 500
    assert loud[5:50].all()
    assert not loud[60:100].any(), "concealment fades and ends"
    assert loud[102:150].all()


def test_a_frame_of_silence_ends_the_talk_at_once() -> None:
    browser = Browser("ada", tone(1000.0, 0.2, 16000))
    arrivals = on_time(browser)
    last = browser.frames[-1]
    arrivals[10] = [
        SpeakerFrame(last.participant, bytes([last.payload[0] & 0xFC]), -127, last.sequence + 1 & 0xFFFF)
    ]
    guest = Guest(0)
    played(guest, arrivals, 13)
    assert not guest.present


def test_silence_begins_no_talk() -> None:
    browser = Browser("ada", tone(1000.0, 0.2, 16000))
    guest = Guest(0)
    guest.put(SpeakerFrame(browser.participant, b"\x08", -127, 1))
    assert [guest.advance() for _ in range(5)] == [0.0] * 5
    assert not guest.present


def test_after_a_dam_broke_the_newest_is_played() -> None:
    browser = Browser("ada", tone(1000.0, 2.0, 16000))
    arrivals = on_time(browser)
    arrivals[40] = [frame for tick in range(20, 41) for frame in arrivals.pop(tick)]
    guest = Guest(0)
    played(guest, arrivals, 60)
    assert len(guest._buffer) <= MOST_FRAMES


def test_a_stream_that_begins_anew_is_followed() -> None:
    first, second = (Browser("ada", tone(1000.0, 0.5, 16000), sequence=start) for start in (100, 40_000))
    arrivals = on_time(first) | {tick + 25: frames for tick, frames in on_time(second).items()}
    pcm = played(Guest(0), arrivals, 50)
    assert np.abs(pcm[28 * 320 :].reshape(-1, 320)).max(axis=1).min() > 500


def test_what_is_not_opus_is_a_loss() -> None:
    browser = Browser("ada", tone(1000.0, 1.0, 16000))
    arrivals = on_time(browser)
    for tick, payload in ((20, b""), (25, b"\xff"), (30, b"\x4b\xff\xff\xff")):
        arrivals[tick] = [SpeakerFrame(browser.participant, payload, -15, browser.frames[tick].sequence)]
    pcm = played(Guest(0), arrivals, 50)
    assert gaps(pcm) == 0


def test_frames_of_other_lengths_are_cut_to_ticks() -> None:
    """A browser may choose 60 ms, or 10."""
    pcm = tone(1000.0, 1.2, 16000)
    for samples in (160, 960):
        encoder = opus.Encoder(16000)
        pieces = pcm[: len(pcm) // samples * samples].reshape(-1, samples)
        participant = Browser("ada", pcm[:320]).participant
        arrivals: dict[int, list[SpeakerFrame]] = {}
        for sequence, piece in enumerate(pieces):
            frame = SpeakerFrame(participant, encoder.encode(piece), -15, sequence)
            arrivals.setdefault(sequence * samples // 320, []).append(frame)
        heard = played(Guest(0), arrivals, 58)
        assert gaps(heard) == 0
        assert level_of(heard[3200:], 16000, 1000.0) > -14


def test_who_is_silent_for_long_is_forgotten() -> None:
    guests, browser = Guests(), Browser("ada", tone(1000.0, 0.2, 16000))
    for tick, frame in enumerate(browser.frames):
        list(guests.advance([frame], tick))
    assert len(guests) == 1
    for tick in range(10, FORGET + 30):
        list(guests.advance((), tick))
    assert len(guests) == 0


def test_a_hundred_rooms_without_browsers_have_no_decoders() -> None:
    asked: list[Meeting] = []

    def take(meeting: Meeting) -> tuple[SpeakerFrame, ...]:
        asked.append(meeting)
        return ()

    mixer = a_mixer(take)
    meetings = [a_meeting(str(number)) for number in range(3)]
    for meeting in meetings:
        mixer.enter(mixer.add(Line(PCMU, tone(700.0, 1.0, 8000))), Seat(meeting))
    mixer.tick(0)
    assert asked == meetings, "one question a meeting and tick"
