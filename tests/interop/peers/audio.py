"""What a phone heard, told from its recording.

Every phone of a test speaks a tone of its own. Who heard whom is then a question of which
frequencies stand in whose recording, and a number of packets never has to be believed.

Units: frequencies in Hz, times in seconds, levels in dB relative to a full-scale sine (dBFS).
Recordings are int16 mono. Levels are the median over windows of 100 ms, so what lasts counts and
what passes (a spoken word, a click, the tone of someone joining) does not.
"""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
SILENCE: Samples = np.zeros(0, np.int16)

#: Tones of the phones: no DTMF frequency among them, and none a low harmonic of another.
TONES = (425.0, 620.0, 1030.0, 1730.0, 2750.0)
#: Only a wideband codec carries this one.
WIDEBAND_TONE = 6000.0

WINDOW = 0.1
PRESENT = -45.0
ABSENT = -60.0
FULL_SCALE = 32768.0


def tone(frequency: float, seconds: float, rate: int, level: float = -12.0) -> Samples:
    """A sine of that many dBFS."""
    phase = 2 * np.pi * frequency / rate * np.arange(round(seconds * rate))
    sine: Samples = (np.sin(phase) * FULL_SCALE * 10 ** (level / 20)).astype(np.int16)
    return sine


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[int, Samples]:
    """Rate and samples of a mono 16-bit file, also of one that is still being written.

    A recorder fills the lengths into the header when it closes the file; until then they are wrong
    and everything after the header counts.
    """
    data = path.read_bytes()
    if len(data) < 44 or data[36:40] != b"data":
        return 0, SILENCE
    rate = int.from_bytes(data[24:28], "little")
    body = data[44:]
    return rate, np.frombuffer(body[: len(body) & ~1], "<i2").astype(np.int16)


def spectrum(samples: Samples, rate: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Frequencies and, for each, the median level over the windows."""
    size = round(WINDOW * rate)
    count = len(samples) // size
    if count == 0:
        raise ValueError(f"{len(samples)} samples at {rate} Hz are shorter than one window")
    windows = samples[: count * size].reshape(count, size) / FULL_SCALE
    shape = np.hanning(size)
    amplitudes = np.abs(np.fft.rfft(windows * shape, axis=1)) * 2 / shape.sum()
    levels = 20 * np.log10(np.median(amplitudes, axis=0) + 1e-7)
    return np.fft.rfftfreq(size, 1 / rate), levels


def level_of(samples: Samples, rate: int, frequency: float) -> float:
    """Level of what lasts within 20 Hz of a frequency."""
    frequencies, levels = spectrum(samples, rate)
    near = levels[np.abs(frequencies - frequency) <= 20]
    return float(near.max()) if len(near) else -140.0


def tones_in(samples: Samples, rate: int) -> dict[float, float]:
    """Each lasting tone and its level: a local peak that stands 15 dB above its neighbourhood."""
    frequencies, levels = spectrum(samples, rate)
    found: dict[float, float] = {}
    for i in range(2, len(levels) - 2):
        around = np.concatenate([levels[max(0, i - 20) : max(0, i - 3)], levels[i + 4 : i + 21]])
        if (
            levels[i] > PRESENT
            and levels[i] == levels[i - 2 : i + 3].max()
            and levels[i] > np.median(around) + 15
        ):
            found[float(frequencies[i])] = float(levels[i])
    return found


def has_tone(samples: Samples, rate: int, frequency: float) -> bool:
    return level_of(samples, rate, frequency) > PRESENT


def lacks_tone(samples: Samples, rate: int, frequency: float) -> bool:
    """Not the negation of `has_tone`: between the two lies a level that proves nothing."""
    return level_of(samples, rate, frequency) < ABSENT


def rms(samples: Samples) -> float:
    """Level of everything, speech included."""
    power = float(np.mean((samples / FULL_SCALE) ** 2)) if len(samples) else 0.0
    return float(10 * np.log10(2 * power + 1e-14))


def wideband(samples: Samples, rate: int) -> bool:
    """Is there anything lasting above 4 kHz, where a G.711 call has nothing at all?"""
    if rate <= 8000:
        return False
    frequencies, levels = spectrum(samples, rate)
    return bool(levels[frequencies > 4200].max() > PRESENT)


def onset(samples: Samples, rate: int, frequency: float, window: float = 0.01) -> float | None:
    """When a tone first sounds, to the window; None when it never does."""
    size = round(window * rate)
    count = len(samples) // size
    windows = samples[: count * size].reshape(count, size) / FULL_SCALE
    carrier = np.exp(-2j * np.pi * frequency / rate * np.arange(size))
    levels = 20 * np.log10(np.abs(windows @ carrier) * 2 / size + 1e-7)
    sounding = np.flatnonzero(levels > PRESENT + 10)
    return float(sounding[0]) * window if len(sounding) else None


def clicks(samples: Samples, rate: int, frequencies: list[float]) -> list[float]:
    """Times at which something broke into a mix of known steady tones.

    In each window of 20 ms the tones are fitted by least squares; what they leave is codec noise,
    about the same in every window. A window that leaves ten times the usual is a click.
    """
    size = round(0.02 * rate)
    count = len(samples) // size
    windows = (samples[: count * size].reshape(count, size) / FULL_SCALE).T
    time = np.arange(size) / rate
    basis = np.column_stack(
        [wave_of(2 * np.pi * f * time) for f in frequencies for wave_of in (np.sin, np.cos)]
    )
    rest = windows - basis @ np.linalg.lstsq(basis, windows, rcond=None)[0]
    peaks = np.abs(rest).max(axis=0)
    limit = 10 * max(float(np.median(peaks)), 1e-4)
    return [float(i) * 0.02 for i in np.flatnonzero(peaks > limit)]


def read_sound(path: Path, rate: int) -> Samples:
    """Any sound file that libav reads, as mono at that rate."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(str(path)) as file:
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames + resampler.resample(None)])


def likeness(samples: Samples, reference: Samples) -> float:
    """How well the best-matching stretch of a recording agrees with a reference at the same rate.

    The greatest normalised cross-correlation: 1 is the same sound, louder or softer; speech against
    other speech stays below 0.3.
    """
    if len(samples) < len(reference) or not len(reference):
        return 0.0
    heard, wanted = samples.astype(np.float64), reference.astype(np.float64)
    size = 1 << (len(heard) + len(wanted)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    matches = np.fft.irfft(product, size)[: len(heard) - len(wanted) + 1]
    energy = np.concatenate([[0.0], np.cumsum(heard**2)])
    under = energy[len(wanted) :] - energy[: -len(wanted)]
    return float(np.max(matches / np.sqrt(np.maximum(under, 1.0) * np.sum(wanted**2))))
