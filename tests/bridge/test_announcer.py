"""Recordings, and what is said of them tick by tick."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from bridge.announcer import PAUSE, Announcer, Recording, Utterance
from config.outcome import PasserelleError
from config.prompts import MUSIC, find
from config.texts import LANGUAGES, Phrase
from tests.bridge.lines import level_of, tone


def a_wav(path: Path, pcm: np.ndarray[tuple[int], np.dtype[np.int16]], rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.repeat(channels).tobytes())
    return path


def a_recording(value: int, ticks: int) -> Recording:
    return Recording.of(np.full(160 * ticks, value, np.int16), np.full(320 * ticks, value, np.int16))


def an_announcer(names: dict[str, Recording] | None = None) -> Announcer:
    recordings = {phrase: a_recording(index + 1, 2) for index, phrase in enumerate(Phrase)}
    return Announcer({"fr": recordings}, names or {}, a_recording(99, 3))


def said(utterance: Utterance) -> list[int]:
    """The value of each tick's samples; both rates say the same at the same time."""
    values = []
    while utterance.advance():
        assert (len(utterance.narrow), len(utterance.wide)) == (160, 320)
        assert utterance.narrow[0] == utterance.wide[0]
        values.append(int(utterance.narrow[0]))
    return values


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16_000, 1), (44_100, 2), (48_000, 1)])
def test_a_file_of_any_rate_is_kept_at_both(tmp_path: Path, rate: int, channels: int) -> None:
    recording = Recording.load(a_wav(tmp_path / "one.wav", tone(1000.0, 1.0, rate), rate, channels))
    assert 49 <= len(recording) <= 52
    assert recording.narrow.shape == (len(recording), 160)
    assert recording.wide.shape == (len(recording), 320)
    for pcm, sampling in ((recording.narrow, 8000), (recording.wide, 16_000)):
        assert level_of(pcm.reshape(-1)[: sampling // 2], sampling, 1000.0) == pytest.approx(-12.2, abs=1.0)


def test_the_last_frame_is_filled_up() -> None:
    recording = Recording.of(np.ones(161, np.int16), np.ones(322, np.int16))
    assert len(recording) == 2
    assert recording.narrow[1].tolist() == [1] + [0] * 159
    assert recording.wide[1].tolist() == [1, 1] + [0] * 318


@pytest.mark.parametrize("content", [b"", b"this is no sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_file_that_is_no_sound_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "welcome.wav"
    path.write_bytes(content)
    with pytest.raises(PasserelleError, match=r"welcome\.wav") as caught:
        Recording.load(path)
    assert caught.value.hint


def test_a_file_without_a_sample_and_one_that_is_missing_are_named(tmp_path: Path) -> None:
    empty = a_wav(tmp_path / "empty.wav", np.zeros(0, np.int16), 8000)
    for path in (empty, tmp_path / "missing.wav"):
        with pytest.raises(PasserelleError, match=path.name):
            Recording.load(path)


def test_parts_follow_each_other_without_a_gap() -> None:
    utterance = Utterance([a_recording(1, 2), Recording.of(np.zeros(0, np.int16), np.zeros(0, np.int16))])
    assert said(utterance) == [1, 1]
    assert said(Utterance([a_recording(1, 1), a_recording(2, 3), a_recording(3, 1)])) == [1, 2, 2, 2, 3]
    assert said(Utterance([])) == []


def test_the_end_stays_the_end() -> None:
    utterance = Utterance([a_recording(1, 1)])
    assert said(utterance) == [1]
    assert not utterance.advance()
    assert not utterance.advance()


def test_two_who_hear_the_same_phrase_hear_it_each_from_its_beginning() -> None:
    announcer = an_announcer()
    first, second = (announcer.say("fr", [Phrase.WELCOME]) for _ in range(2))
    first.advance()
    assert len(said(second)) == 2
    assert len(said(first)) == 1


def test_a_pause_stands_between_phrases_and_the_rooms_name_after_the_first() -> None:
    announcer = an_announcer({"team": a_recording(500, 1)})
    index = {phrase: number + 1 for number, phrase in enumerate(Phrase)}
    joining, alone = index[Phrase.JOINING], index[Phrase.ALONE]
    pause = [0] * len(PAUSE)
    both = (Phrase.JOINING, Phrase.ALONE)
    assert said(announcer.say("fr", both)) == [joining] * 2 + pause + [alone] * 2
    assert said(announcer.say("fr", both, "team")) == [joining] * 2 + [500] + pause + [alone] * 2
    assert said(announcer.say("fr", both, "other")) == [joining] * 2 + pause + [alone] * 2


def test_the_last_words_have_some_silence_behind() -> None:
    values = said(an_announcer().say("fr", [Phrase.GOODBYE], last=True))
    assert values[:2] != [0, 0]
    assert values[2:]
    assert set(values[2:]) == {0}


def test_a_language_without_recordings_gives_way() -> None:
    announcer = an_announcer()
    assert announcer.language_of("fr", "en") == "fr"
    assert announcer.language_of("de", "fr") == "fr"
    assert announcer.language_of(None, "fr") == "fr"


def test_the_shipped_recordings_can_all_be_said() -> None:
    files = find(None, LANGUAGES)
    few = {language: {Phrase.WELCOME: phrases[Phrase.WELCOME]} for language, phrases in files.items()}
    announcer = Announcer.load(few, {}, MUSIC)
    for language in LANGUAGES:
        utterance = announcer.say(language, [Phrase.WELCOME])
        ticks = 0
        while utterance.advance():
            ticks += 1
        assert ticks > 50, "more than a second"
