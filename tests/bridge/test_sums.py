"""Sums of a tick against the same sums worked out one by one; and what becomes of those that are too loud."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.sums import NOTHING, Sums
from media.codecs import G722, PCMA, PCMU, Codec, Pcm
from media.codecs.g711 import ALAW, ULAW
from tests.bridge.lines import level_of, tone

STEP = 1 / 16  # by which G.711 may be off, of the sample


class Taker:
    def __init__(self, codec: Codec = PCMU) -> None:
        self.codec = codec
        self.gain = 1.0
        self.own: bytes | None = None
        self.pcm: Pcm | None = None

    def heard(self) -> Pcm:
        if self.pcm is not None:
            return self.pcm
        assert self.own is not None
        return self.codec.decoder().decode(self.own)


def frame(seed: int, samples: int = 160, most: int = 2000) -> Pcm:
    return np.random.default_rng(seed).integers(-most, most, samples).astype(np.int16)


def alike(heard: Pcm, expected: NDArray[np.int32]) -> None:
    np.testing.assert_allclose(heard, expected, rtol=STEP, atol=20)


def test_nothing_to_hear_is_no_work() -> None:
    sums = Sums(160)
    sums.run()
    sums.put(frame(1))
    sums.run()
    taker = Taker()
    sums.hear(taker, NOTHING)
    sums.run()
    assert not taker.heard().any()


def test_everyone_hears_the_own_meeting_without_oneself() -> None:
    """Rooms of one to five, octets of both laws and samples mixed, against sums made one by one."""
    random, sums = Random(7), Sums(160)
    expected: list[tuple[Taker, NDArray[np.int32]]] = []
    for room in range(20):
        spoken = [frame(room * 10 + number) for number in range(random.randint(1, 5))]
        rows, values = [], []
        for pcm in spoken:
            law = random.choice((ULAW, ALAW, None))
            said = pcm if law is None else law.encode(pcm)
            rows.append(sums.put(said, law))
            values.append(pcm if law is None else law.decode(law.encode(pcm)))
        total = sums.total(rows)
        whole: NDArray[np.int32] = np.stack(values).sum(axis=0, dtype=np.int32)
        listener = Taker(random.choice((PCMU, PCMA)))
        sums.hear(listener, total)
        expected.append((listener, whole))
        for row, value in zip(rows, values, strict=True):
            speaker = Taker(random.choice((PCMU, PCMA, G722)))
            sums.hear(speaker, total, without=row)
            expected.append((speaker, whole - value))
    sums.run()
    for taker, whole in expected:
        alike(taker.heard(), whole)


def test_words_are_heard_over_a_meeting_of_half_the_loudness() -> None:
    sums, speech, words = Sums(160), frame(1), frame(2)
    in_meeting, outside = Taker(PCMA), Taker(PCMU)
    total = sums.total([sums.put(speech)])
    sums.hear(in_meeting, total, words=words)
    sums.hear(outside, NOTHING, words=words)
    sums.run()
    alike(in_meeting.heard(), (speech.astype(np.int32) >> 1) + words)
    alike(outside.heard(), words.astype(np.int32))


def test_a_tick_leaves_nothing_for_the_next() -> None:
    sums, before = Sums(160), Taker()
    sums.hear(before, sums.total([sums.put(frame(1))]))
    sums.run()
    before.own, after = None, Taker()
    sums.hear(after, sums.total([sums.put(frame(2))]))
    sums.run()
    assert before.own is None
    alike(after.heard(), frame(2).astype(np.int32))


@pytest.mark.parametrize("wrong", [b"", b"x" * 159, b"x" * 161, np.zeros(320, np.int16)])
def test_what_is_no_tick_is_refused(wrong: bytes | Pcm) -> None:
    with pytest.raises(ValueError, match="expected 160 samples"):
        Sums(160).put(wrong, ULAW)


def test_octets_of_no_law_are_refused() -> None:
    with pytest.raises(ValueError, match="no law"):
        Sums(160).put(b"x" * 160)


def said_together(sums: Sums, first: Pcm, second: Pcm, samples: int) -> tuple[Pcm, Taker]:
    """What a wideband listener hears of two, and the listener."""
    taker, heard = Taker(G722), []
    for at in range(0, len(first), samples):
        rows = [sums.put(pcm[at : at + samples]) for pcm in (first, second)]
        sums.hear(taker, sums.total(rows))
        sums.run()
        heard.append(taker.heard())
    return np.concatenate(heard), taker


def test_two_loud_voices_are_made_softer_and_not_cut_off() -> None:
    """Tones at -3.5 dBFS: their sum would pass full scale by 2.5 dB. No tone appears that nobody said."""
    loud, other = (tone(frequency, 1.0, 16000, level=21900) for frequency in (500.0, 1300.0))
    heard, taker = said_together(Sums(320), loud, other, 320)
    late = heard[3200:]
    assert 0.7 < taker.gain < 0.8
    for frequency in (500.0, 1300.0):
        assert level_of(late, 16000, frequency) > -7
    for stranger in (300.0, 1100.0, 1800.0, 2100.0, 2300.0, 3100.0):
        assert level_of(late, 16000, stranger) < -55, stranger
    steps, unlimited = (np.abs(np.diff(pcm)).max() for pcm in (heard.astype(np.int32), loud + 1.0 * other))
    assert steps < 1.02 * unlimited, "no click"


def test_the_loudness_comes_back_when_the_shouting_ends() -> None:
    quiet, loud = tone(500.0, 1.0, 16000, level=3000), tone(500.0, 1.0, 16000, level=32000)
    sums = Sums(320)
    _, taker = said_together(sums, loud, loud, 320)
    assert taker.gain == pytest.approx(32767 / 64000, rel=0.01)
    gains = []
    for at in range(0, len(quiet), 320):
        sums.hear(taker, sums.total([sums.put(quiet[at : at + 320])]))
        sums.run()
        gains.append(taker.gain)
    assert gains[0] < 0.6, "not all at once"
    assert gains[-1] == 1.0
    assert np.abs(taker.heard()).max() == pytest.approx(3000, abs=2)


def test_one_voice_alone_is_never_touched() -> None:
    pcm = np.resize(np.array([32767, -32768], np.int16), 320)
    sums, taker = Sums(320), Taker(G722)
    sums.hear(taker, sums.total([sums.put(pcm)]))
    sums.run()
    np.testing.assert_array_equal(taker.heard(), pcm)


@pytest.mark.parametrize("peak", [32767, 32768, -32768, -32769])
def test_the_loudest_samples_do_not_wrap_round(peak: int) -> None:
    sums, taker = Sums(160), Taker(G722)
    half = np.full(160, peak // 2, np.int16)
    sums.hear(taker, sums.total([sums.put(half), sums.put((peak - half.astype(np.int32)).astype(np.int16))]))
    sums.run()
    assert np.abs(taker.heard().astype(np.int32) - peak).max() <= 2
