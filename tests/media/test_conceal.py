import numpy as np
import pytest

from media.codecs import Pcm
from media.conceal import Concealer

from .signals import purity, rms, roughness, tone

RATES = pytest.mark.parametrize("rate", [8000, 16000])


def lose(rate: int, frequency: float, ticks: int) -> tuple[Pcm, Pcm]:
    """A tone that loses some ticks in its middle: what is heard in all, and during the loss."""
    sent = tone(frequency, 0.5, rate)
    tick, begin = rate // 50, rate // 5
    concealer = Concealer(rate)
    concealer.begin(sent[:begin])
    lost = np.concatenate([concealer.conceal(tick) for _ in range(ticks)])
    after = sent[begin + ticks * tick :]
    heard = [sent[:begin], lost, concealer.recover(after[:tick]), after[tick:]]
    assert not concealer.active
    return np.concatenate(heard), lost


@RATES
@pytest.mark.parametrize("frequency", [130, 440, 1000])
def test_one_lost_tick_of_a_tone_is_not_a_click(frequency: int, rate: int) -> None:
    heard, _ = lose(rate, frequency, 1)
    assert len(heard) == rate // 2
    assert roughness(heard, frequency, rate) < 1.3
    assert purity(heard, frequency, rate) > 15


@RATES
def test_it_fades_and_is_silent_after_60_ms(rate: int) -> None:
    heard, lost = lose(rate, 440, 5)
    ticks = lost.reshape(5, -1)
    levels = [rms(tick) for tick in ticks]
    assert levels[0] > levels[1] > levels[2] > 0
    assert levels[3:] == [0, 0]
    assert levels[0] > 0.85 * rms(tone(440, 0.1, rate))
    assert roughness(heard, 440, rate) < 1.3


@RATES
def test_any_length_can_be_concealed_at_a_time(rate: int) -> None:
    past = tone(440, 0.1, rate)
    whole, pieces = Concealer(rate), Concealer(rate)
    whole.begin(past)
    pieces.begin(past)
    piecewise = np.concatenate([pieces.conceal(size) for size in (1, 7, 80, 200, 32, 600)])
    assert np.array_equal(piecewise, whole.conceal(920))


@RATES
def test_a_pause_fades_out_and_what_follows_fades_in(rate: int) -> None:
    past = tone(440, 0.1, rate)
    concealer = Concealer(rate)
    concealer.begin(past)
    assert not concealer.silent
    fading = concealer.fade(rate // 50)
    assert concealer.active
    assert concealer.silent
    heard = np.concatenate((past, fading, np.zeros(100, np.int16), concealer.recover(past)))
    assert roughness(heard, 440, rate) < 1.3
    assert not concealer.active


@RATES
@pytest.mark.parametrize("length", [0, 1, 50, 300])
def test_a_short_past_will_do(length: int, rate: int) -> None:
    concealer = Concealer(rate)
    concealer.begin(tone(440, 0.1, rate)[:length])
    assert len(concealer.conceal(160)) == 160


@RATES
def test_full_scale_does_not_wrap(rate: int) -> None:
    past = np.where(np.arange(rate // 10) // 9 % 2, 32767, -32768).astype(np.int16)
    concealer = Concealer(rate)
    concealer.begin(past)
    concealed = concealer.conceal(rate // 100).astype(np.int32)
    assert np.mean(np.abs(concealed) > 30000) > 0.7
