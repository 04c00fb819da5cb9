from itertools import pairwise

import numpy as np
import pytest

from media.codecs import G722, Pcm

from ..signals import purity, tone

TICK = 320


def ticks(pcm: Pcm) -> list[Pcm]:
    return [pcm[start : start + TICK] for start in range(0, len(pcm), TICK)]


def test_its_descriptor() -> None:
    assert (G722.payload_type, G722.clock_rate, G722.sample_rate, G722.stateless) == (9, 8000, 16000, False)
    assert (G722.octets_per_tick, G722.samples_per_tick) == (160, TICK)


@pytest.mark.parametrize("frequency", [300, 1000, 3400, 6000])
def test_wideband_tones_survive(frequency: int) -> None:
    encoder, decoder = G722.encoder(), G722.decoder()
    payloads = [encoder.encode(tick) for tick in ticks(tone(frequency, 1.0, 16000))]
    assert {len(payload) for payload in payloads} == {160}
    heard = np.concatenate([decoder.decode(payload) for payload in payloads])
    assert heard.dtype == np.int16
    assert purity(heard[TICK:], frequency, 16000) > 25


def test_any_number_of_octets_can_be_decoded() -> None:
    encoder = G722.encoder()
    stream = b"".join(encoder.encode(tick) for tick in ticks(tone(440, 0.2, 16000)))
    whole, pieces = G722.decoder(), G722.decoder()
    cuts = [0, 1, 8, 200, 203, 700, len(stream)]
    piecewise = [pieces.decode(stream[a:b]) for a, b in pairwise(cuts)]
    assert np.array_equal(np.concatenate(piecewise), whole.decode(stream))


def test_what_was_decoded_is_not_overwritten_by_what_follows() -> None:
    encoder, decoder = G722.encoder(), G722.decoder()
    payloads = [encoder.encode(tick) for tick in ticks(tone(440, 0.2, 16000))]
    first = decoder.decode(payloads[1])
    copy = first.copy()
    for payload in payloads[2:]:
        decoder.decode(payload)
    assert np.array_equal(first, copy)


def takeover_error(primed: int) -> float:
    """What a listener hears wrong, in dB over the signal, when an encoder of its own takes over (D3)."""
    noise = np.convolve(np.random.default_rng(7).normal(0, 1, 16000), np.hanning(12), "same")
    pcm = ticks(np.rint(9000 * noise / np.abs(noise).max()).astype(np.int16))
    shared, own = G722.encoder(), G722.encoder()
    kept, changed = G722.decoder(), G722.decoder()
    for tick in pcm[:25]:
        payload = shared.encode(tick)
        kept.decode(payload)
        changed.decode(payload)
    for tick in pcm[25 - primed : 25]:
        own.prime(tick)
    reference = np.concatenate([kept.decode(shared.encode(tick)) for tick in pcm[25:30]])
    heard = np.concatenate([changed.decode(own.encode(tick)) for tick in pcm[25:30]])
    error = heard.astype(np.float64) - reference
    return float(10 * np.log10(np.mean(error**2) / np.mean(reference.astype(np.float64) ** 2)))


def test_an_encoder_that_takes_over_has_to_be_primed() -> None:
    assert takeover_error(primed=10) < -18
    assert takeover_error(primed=0) > -6
