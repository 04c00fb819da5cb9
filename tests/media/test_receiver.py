"""The whole chain: packets of a tone through a bad network, and what the mixer gets of it, by ear and FFT."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import G722, PCMA, PCMU, Codec, Pcm
from media.receiver import AudioReceiver

from .signals import purity, roughness, tone

CODECS = pytest.mark.parametrize("codec", [PCMU, PCMA, G722], ids=lambda codec: codec.name)
NARROW = pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
FREQUENCY = 440.0
FIRST_SEQUENCE, FIRST_TIMESTAMP = 65500, 2**32 - 3000


def encoded(codec: Codec, pcm: Pcm) -> bytes:
    encoder, tick = codec.encoder(), codec.samples_per_tick
    return b"".join(encoder.encode(pcm[at : at + tick]) for at in range(0, len(pcm) - tick + 1, tick))


@dataclass
class Line:
    """A phone that sends a stream through a network; all times in seconds."""

    codec: Codec
    loss: float = 0.0
    jitter: float = 0.0
    drift: float = 0.0  # the phone's clock is faster by this fraction
    ptime: float = 0.020
    seed: int = 1

    def packets(self, stream: bytes) -> list[tuple[float, int]]:
        """Arrival and number of each packet that arrives, in order of arrival."""
        chance, octets = random.Random(self.seed), round(self.ptime * 8000)
        arrivals = []
        for number in range(len(stream) // octets):
            sent = (number + 1) * self.ptime * (1 - self.drift)
            if chance.random() >= self.loss:
                arrivals.append((sent + 0.030 + chance.random() * self.jitter, number))
        return sorted(arrivals)

    def carry(self, receiver: AudioReceiver, pcm: Pcm) -> tuple[Pcm, int]:
        """What the receiver makes of it, and how many ticks were plain."""
        stream, octets = encoded(self.codec, pcm), round(self.ptime * 8000)
        packets = self.packets(stream)
        heard, plain, next_packet = [], 0, 0
        for tick in range(len(pcm) // self.codec.samples_per_tick):
            while next_packet < len(packets) and packets[next_packet][0] <= 0.007 + tick * 0.020:
                arrival, number = packets[next_packet]
                next_packet += 1
                receiver.put(
                    (FIRST_SEQUENCE + number) & 0xFFFF,
                    (FIRST_TIMESTAMP + number * octets) & 0xFFFFFFFF,
                    stream[number * octets : (number + 1) * octets],
                    arrival,
                )
            samples, was_plain = take(receiver, self.codec)
            heard.append(samples)
            plain += was_plain
        return np.concatenate(heard), plain


def take(receiver: AudioReceiver, codec: Codec) -> tuple[Pcm, bool]:
    """One tick, as the mixer does it; and whether it was plain."""
    payload = receiver.take_plain()
    if payload is not None:
        assert len(payload) == codec.octets_per_tick
        return codec.decoder().decode(payload), True
    pcm = receiver.take_pcm()
    if pcm is None:
        return np.zeros(codec.samples_per_tick, np.int16), False
    assert pcm.dtype == np.int16
    assert len(pcm) == codec.samples_per_tick
    return pcm, False


def call(line: Line, seconds: float) -> tuple[Pcm, int, AudioReceiver]:
    """A tone through a line; the first second, in which everything settles, is cut off."""
    receiver = AudioReceiver(line.codec)
    rate = line.codec.sample_rate
    heard, plain = line.carry(receiver, tone(FREQUENCY, seconds, rate))
    return heard[rate:], plain, receiver


@CODECS
@pytest.mark.parametrize("ptime", [0.010, 0.020, 0.030, 0.060])
def test_a_clean_line_is_transparent(codec: Codec, ptime: float) -> None:
    heard, plain, receiver = call(Line(codec, ptime=ptime), 3.0)
    sent = tone(FREQUENCY, 1.0, codec.sample_rate)
    assert purity(heard, FREQUENCY, codec.sample_rate) > 35
    assert np.abs(heard).max() == pytest.approx(np.abs(sent).max(), rel=0.06)
    assert receiver.jitter.lost == receiver.jitter.late == 0
    assert plain >= 140 if codec.stateless else plain == 0


@CODECS
def test_five_percent_loss_makes_no_click(codec: Codec) -> None:
    heard, _, receiver = call(Line(codec, loss=0.05), 20.0)
    assert 30 <= receiver.jitter.lost <= 70
    assert purity(heard, FREQUENCY, codec.sample_rate) > 22
    assert roughness(heard, FREQUENCY, codec.sample_rate) < 1.4


@CODECS
@pytest.mark.parametrize("drift", [-300e-6, 300e-6, 1000e-6, -1000e-6])
def test_a_minute_of_drift_is_corrected_without_a_click(codec: Codec, drift: float) -> None:
    heard, _, receiver = call(Line(codec, drift=drift), 60.0)
    assert receiver.jitter.late == receiver.jitter.lost == receiver.jitter.discarded == 0
    assert 0.005 <= receiver.jitter.delay <= 0.045
    assert purity(heard, FREQUENCY, codec.sample_rate) > 33
    assert roughness(heard, FREQUENCY, codec.sample_rate) < 1.1


@CODECS
def test_sixty_milliseconds_of_jitter_settle_without_loss(codec: Codec) -> None:
    heard, plain, receiver = call(Line(codec, jitter=0.060), 30.0)
    assert receiver.jitter.late <= 8
    assert 0.050 <= receiver.jitter.delay <= 0.100
    assert purity(heard, FREQUENCY, codec.sample_rate) > 25
    assert roughness(heard, FREQUENCY, codec.sample_rate) < 1.4
    assert plain > 1400 or not codec.stateless


@CODECS
def test_all_of_it_together(codec: Codec) -> None:
    line = Line(codec, loss=0.05, jitter=0.060, drift=300e-6, ptime=0.030)
    heard, _, _ = call(line, 30.0)
    assert purity(heard, FREQUENCY, codec.sample_rate) > 20
    assert roughness(heard, FREQUENCY, codec.sample_rate) < 1.4


def talk(receiver: AudioReceiver, codec: Codec, numbers: range, stream: bytes) -> list[tuple[Pcm, bool]]:
    """Packets that come in time, each followed by its tick."""
    ticks = []
    for number in numbers:
        payload = stream[number * 160 : (number + 1) * 160]
        receiver.put(number, number * 160, payload, number * 0.02)
        ticks.append(take(receiver, codec))
    return ticks


@CODECS
def test_a_talker_who_stops_fades_and_is_silent(codec: Codec) -> None:
    rate, receiver = codec.sample_rate, AudioReceiver(codec)
    stream = encoded(codec, tone(FREQUENCY, 1.0, rate))
    heard = [pcm for pcm, _ in talk(receiver, codec, range(25), stream)]
    heard += [take(receiver, codec)[0] for _ in range(10)]
    assert roughness(np.concatenate(heard[2:]), FREQUENCY, rate) < 1.3
    assert not heard[-1].any()
    assert receiver.take_plain() is None
    assert receiver.take_pcm() is None
    assert receiver.jitter.lost == 0
    heard = [pcm for pcm, _ in talk(receiver, codec, range(40, 50), stream)]
    assert heard[-1].any()


@NARROW
def test_the_first_tick_fades_in(codec: Codec) -> None:
    receiver = AudioReceiver(codec)
    assert receiver.take_pcm() is None
    heard = talk(receiver, codec, range(3), codec.encoder().encode(np.full(480, 8000, np.int16)))
    assert 0 < heard[1][0][0] < 800
    assert heard[1][0][-1] == heard[2][0][0] > 7500


@NARROW
def test_the_backlog_of_a_stall_is_caught_up(codec: Codec) -> None:
    """Nothing for 240 ms, then all at once: heard in full, a little faster, until the delay is normal."""
    receiver, stream = AudioReceiver(codec), encoded(codec, tone(FREQUENCY, 4.0, 8000))
    heard, delays = talk(receiver, codec, range(50), stream), []
    heard += [take(receiver, codec) for _ in range(12)]
    for number in range(50, 62):
        receiver.put(number, number * 160, stream[number * 160 :][:160], 1.24)
    for number in range(62, 200):
        heard += talk(receiver, codec, range(number, number + 1), stream)
        delays.append(receiver.jitter.delay)
    assert max(delays) > 0.200
    assert delays[40] < 0.120
    assert receiver.jitter.late == receiver.jitter.discarded == receiver.jitter.lost == 0
    assert roughness(np.concatenate([pcm for pcm, _ in heard[2:]]), FREQUENCY, 8000) < 1.3


@CODECS
def test_a_key_press_breaks_off_without_a_click(codec: Codec) -> None:
    rate, receiver = codec.sample_rate, AudioReceiver(codec)
    stream = encoded(codec, tone(FREQUENCY, 1.0, rate))
    heard = [pcm for pcm, _ in talk(receiver, codec, range(25), stream)]
    for number in range(25, 30):
        receiver.jitter.event(number, 25 * 160)
        heard.append(take(receiver, codec)[0])
    assert not heard[-1].any()
    heard += [pcm for pcm, _ in talk(receiver, codec, range(30, 40), stream)]
    assert heard[-1].any()
    assert roughness(np.concatenate(heard[2:]), FREQUENCY, rate) < 1.3
    assert receiver.jitter.lost == 0


@NARROW
def test_plain_ticks_are_the_very_octets(codec: Codec) -> None:
    receiver = AudioReceiver(codec)
    stream = encoded(codec, tone(FREQUENCY, 1.0, 8000))
    for number in range(50):
        receiver.put(number, number * 160, stream[number * 160 :][:160], number * 0.02)
        payload = receiver.take_plain()
        if payload is None:
            receiver.take_pcm()
        else:
            assert payload == stream[(number - 1) * 160 :][:160]
        assert (payload is not None) == (number >= 2)  # silence, then the first tick fades in


@NARROW
def test_a_loss_is_concealed_and_cross_faded_and_then_plain_again(codec: Codec) -> None:
    receiver = AudioReceiver(codec)
    stream = encoded(codec, tone(FREQUENCY, 1.0, 8000))
    talk(receiver, codec, range(20), stream)
    plain = [was_plain for _, was_plain in talk(receiver, codec, range(21, 30), stream)]
    # Number 19, then the lost 20 and the cross-fade to 21.
    assert plain == [True, False, False, True, True, True, True, True, True]


@CODECS
def test_another_stream_begins_afresh(codec: Codec) -> None:
    rate, receiver = codec.sample_rate, AudioReceiver(codec)
    stream = encoded(codec, tone(FREQUENCY, 1.0, rate))
    heard = [pcm for pcm, _ in talk(receiver, codec, range(20), stream)]
    receiver.restart()
    heard += [pcm for pcm, _ in talk(receiver, codec, range(30), stream)]
    assert receiver.jitter.discarded == receiver.jitter.late == receiver.jitter.duplicate == 0
    joined = np.concatenate(heard)
    assert roughness(joined[rate // 10 :], FREQUENCY, rate) < 1.3
    assert purity(joined[-rate // 5 :], FREQUENCY, rate, width=40) > 30


@settings(max_examples=25, deadline=None)
@given(
    fates=st.lists(
        st.sampled_from(["sent", "sent", "sent", "lost", "late", "twice"]), min_size=5, max_size=60
    ),
    codec=st.sampled_from([PCMU, G722]),
    ptime=st.sampled_from([0.010, 0.020, 0.030, 0.060]),
)
def test_whatever_happens_it_sounds_on(fates: list[str], codec: Codec, ptime: float) -> None:
    """Never an error, never a click: samples step as those of a tone do (G.722 first has to recover)."""
    rate, octets = codec.sample_rate, round(ptime * 8000)
    stream = encoded(codec, tone(FREQUENCY, len(fates) * ptime + 0.02, rate))
    arrivals = []
    for number, fate in enumerate(fates):
        at = number * ptime
        late = {"late": [at + 0.075], "twice": [at, at + 0.031], "lost": []}
        arrivals += [(arrival, number) for arrival in late.get(fate, [at])]
    arrivals.sort()
    receiver, heard = AudioReceiver(codec), []
    for tick in range(round(len(fates) * ptime / 0.02) + 20):
        while arrivals and arrivals[0][0] <= tick * 0.02:
            arrival, number = arrivals.pop(0)
            payload = stream[number * octets : (number + 1) * octets]
            receiver.put(number, number * octets, payload, arrival)
        heard.append(take(receiver, codec)[0])
    assert roughness(np.concatenate(heard), FREQUENCY, rate) < (1.3 if codec.stateless else 2.5)


@CODECS
def test_a_stall_of_ours_neither_delays_nor_mends_what_follows(codec: Codec) -> None:
    """Nobody takes and nobody reads for 240 ms; then all packets are read at once, their time unknown."""
    receiver, pcm = AudioReceiver(codec), tone(FREQUENCY, 4.0, codec.sample_rate)
    stream = encoded(codec, pcm)

    def put(tick: int, now: float, *, measured: bool = True) -> None:
        octets = stream[tick * 160 : tick * 160 + 160]
        receiver.put((FIRST_SEQUENCE + tick) & 0xFFFF, FIRST_TIMESTAMP + tick * 160, octets, now, measured)

    for tick in range(50):
        put(tick, tick * 0.020)
        take(receiver, codec)
    before = receiver.jitter.target, receiver.jitter.delay
    for tick in range(50, 63):
        put(tick, 62 * 0.020, measured=False)
    receiver.skip(12)
    heard = []
    for tick in range(63, 150):
        heard.append(take(receiver, codec)[0])
        put(tick, tick * 0.020)
    assert (receiver.jitter.target, receiver.jitter.delay) == pytest.approx(before, abs=0.006)
    assert receiver.jitter.lost == receiver.jitter.late == receiver.jitter.discarded == 0
    after = np.concatenate(heard)
    assert purity(after[3 * codec.samples_per_tick :], FREQUENCY, codec.sample_rate) > 25


def test_more_is_not_skipped_than_a_buffer_can_hold() -> None:
    receiver = AudioReceiver(PCMU)
    for number in range(3):
        receiver.put(number, number * 160, bytes(160), number * 0.020)
    receiver.skip(10**9)
    assert receiver.take_pcm() is None
