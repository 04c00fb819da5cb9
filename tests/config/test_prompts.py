from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from config.outcome import PasserelleError
from config.prompts import MUSIC, SHIPPED, find, find_music, find_room_names, find_unused
from config.texts import LANGUAGES, Language, Phrase, texts

BLOCK = 160  # samples: 10 ms at 16 kHz


def decoded(path: Path) -> tuple[NDArray[np.float64], str]:
    """Samples (full scale 1.0) and the title tag."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.layout.name) == (16000, "mono")
        pcm = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        return pcm / 32768, container.metadata["title"]


def dbov(power: float) -> float:
    return float(10 * np.log10(power + 1e-12))


def shipped() -> Iterator[tuple[Language, Phrase, Path]]:
    for language in LANGUAGES:
        for phrase, path in find(None, [language])[language].items():
            yield language, phrase, path


def test_every_recording_says_the_text_of_today() -> None:
    stale = [path for language, phrase, path in shipped() if decoded(path)[1] != texts(language)[phrase]]
    assert stale == [], "run tools/make_prompts.py"


def test_recordings_are_of_one_loudness_and_begin_at_once() -> None:
    for _, _, path in shipped():
        samples, _ = decoded(path)
        blocks = (samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2).mean(axis=1)
        speech = np.flatnonzero(blocks > 10 ** (-45 / 10))
        assert -21 < dbov(blocks[speech].mean()) < -19, path
        assert dbov((samples**2).max()) <= -3, path
        assert speech[0] < 10, path  # 100 ms
        assert len(blocks) - speech[-1] < 15, path
        assert abs(samples[0]) < 1e-3, path
        assert abs(samples[-1]) < 1e-3, path


def test_recordings_are_speech_as_wide_as_16_khz_allows() -> None:
    for _, _, path in shipped():
        samples, _ = decoded(path)
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        frequency = np.fft.rfftfreq(len(samples), 1 / 16000)
        share = {
            band: dbov(spectrum[(frequency >= band[0]) & (frequency < band[1])].sum() / spectrum.sum())
            for band in [(0, 60), (80, 3400), (4000, 8000)]
        }
        assert share[0, 60] < -25, path  # no hum, no offset
        assert share[80, 3400] > -1, path
        assert share[4000, 8000] > -45, path


def test_no_announcement_is_long_and_goodbyes_are_heard_out() -> None:
    seconds = {(language, phrase): len(decoded(path)[0]) / 16000 for language, phrase, path in shipped()}
    assert min(seconds.values()) > 0.4
    assert max(seconds.values()) < 12
    assert max(seconds[language, Phrase.WELCOME] for language in LANGUAGES) < 5


def test_the_shipped_set_is_small_and_holds_nothing_else() -> None:
    files = {path for _, _, path in shipped()}
    assert set(SHIPPED.glob("*/*.flac")) == files
    assert sum(path.stat().st_size for path in files) < 4_000_000


def test_the_music_is_softer_than_speech_and_has_no_seam() -> None:
    samples, _ = decoded(MUSIC)
    assert 10 < len(samples) / 16000 <= 20
    assert -30 < dbov((samples**2).mean()) < -24
    assert dbov((samples**2).max()) <= -11
    blocks = (samples[: len(samples) // 16000 * 16000].reshape(-1, 16000) ** 2).mean(axis=1)
    assert dbov(blocks.min()) > dbov(blocks.max()) - 10, "it does not come and go"
    steps = np.abs(np.diff(samples))
    assert abs(samples[0] - samples[-1]) <= steps.max()
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / 16000)
    assert spectrum[(frequency > 200) & (frequency < 3400)].sum() > 0.5 * spectrum.sum(), (
        "telephones carry it"
    )
    assert MUSIC.stat().st_size < 300_000


def test_own_music_replaces_the_shipped_one(tmp_path: Path) -> None:
    assert find_music(None) == find_music(tmp_path) == MUSIC
    (tmp_path / "music.ogg").touch()
    assert find_music(tmp_path) == tmp_path / "music.ogg"


def test_own_recordings_replace_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    for name in ("welcome.mp3", "welcome.wav", "goodbye.opus", "alone.txt"):
        (tmp_path / "fr" / name).touch()
    found = find(tmp_path, ["fr", "en"])
    assert found["fr"][Phrase.WELCOME] == tmp_path / "fr" / "welcome.wav"
    assert found["fr"][Phrase.GOODBYE] == tmp_path / "fr" / "goodbye.opus"
    assert found["fr"][Phrase.ALONE] == SHIPPED / "fr" / "alone.flac"
    assert found["en"][Phrase.WELCOME] == SHIPPED / "en" / "welcome.flac"


def test_a_missing_recording_is_named() -> None:
    with pytest.raises(PasserelleError, match=r"prompts/de/welcome\.flac is missing"):
        find(None, ["de"])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PasserelleError, match="voices is not there"):
        find(tmp_path / "voices", ["fr"])


def test_rooms_may_have_their_names_recorded(tmp_path: Path) -> None:
    assert find_room_names(None) == {}
    assert find_room_names(tmp_path) == {}
    (tmp_path / "rooms").mkdir()
    for name in ("budget.mp3", "budget.wav", "salle-12.ogg", "README.txt"):
        (tmp_path / "rooms" / name).touch()
    assert find_room_names(tmp_path) == {
        "budget": tmp_path / "rooms" / "budget.wav",
        "salle-12": tmp_path / "rooms" / "salle-12.ogg",
    }


def test_recordings_that_nobody_hears_are_found_with_the_nearest_name(tmp_path: Path) -> None:
    assert find_unused(None, LANGUAGES) == find_unused(tmp_path, LANGUAGES) == {}
    for folder in ("fr", "rooms", "de"):
        (tmp_path / folder).mkdir()
    used = ["fr/welcome.wav", "fr/welcome.mp3", "rooms/budget.wav", "music.ogg", "fr/README.txt", "LICENSE"]
    unused = {
        "fr/wellcome.wav": "fr/welcome.wav",
        "fr/alone.WAV": "fr/alone.wav",
        "rooms/team.Ogg": "rooms/team.ogg",
        "welcome.mp3": "fr/welcome.mp3",
        "de/zzz.wav": "",
        "jingle.flac": "",
    }
    for name in (*used, *unused):
        (tmp_path / name).touch()
    found = find_unused(tmp_path, LANGUAGES)
    assert {file.relative_to(tmp_path).as_posix(): near for file, near in found.items()} == unused
