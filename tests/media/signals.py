"""Signals to send through media, and measures of what came out."""

import numpy as np
from numpy.typing import NDArray

from media.codecs import Pcm

AMPLITUDE = 8000


def tone(frequency: float, seconds: float, rate: int, amplitude: float = AMPLITUDE) -> Pcm:
    time = np.arange(round(seconds * rate)) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def spectrum(pcm: Pcm, rate: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Frequencies and the power at each."""
    power = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.blackman(len(pcm)))) ** 2
    return np.fft.rfftfreq(len(pcm), 1 / rate), power


def purity(pcm: Pcm, frequency: float, rate: int, width: float = 15.0) -> float:
    """Power within ``width`` Hz of a frequency over that of everything else, in dB."""
    frequencies, power = spectrum(pcm, rate)
    near = np.abs(frequencies - frequency) < width
    return float(10 * np.log10(power[near].sum() / power[~near].sum()))


def roughness(pcm: Pcm, frequency: float, rate: int, amplitude: float = AMPLITUDE) -> float:
    """The steepest step between two samples, over the steepest that a tone has; a click is far above 1."""
    slope = 2 * amplitude * np.sin(np.pi * frequency / rate)
    return float(np.abs(np.diff(pcm.astype(np.float64))).max() / slope)


def rms(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(np.square(pcm.astype(np.float64)))))
