#!/usr/bin/env python3
"""Make ``config/prompts/music.flac``: what is heard in the waiting room, over and over.

Four chords of soft tones, one flowing into the next, and a slow broken chord above them. Everything that
rings on beyond the end goes on at the beginning, so that the loop has no seam. Most of the sound lies
between 200 and 1500 Hz, where telephones are at their best; it is quieter than speech. 16 kHz mono FLAC, like
the recordings of the voice, and the same samples every time.

Usage: .venv/bin/python -m tools.make_music
"""

import sys

import numpy as np
from numpy.typing import NDArray

from config.prompts import MUSIC
from tools.make_prompts import RATE, Samples, write

TITLE = "Music for the waiting room"
CHORD_SECONDS = 4.8
LEVEL = 10 ** (-27 / 20)  # RMS
PEAK = 10 ** (-12 / 20)

# Semitones above A4 (440 Hz). D major 9, B minor 9, G major 9, A 9 sus 4: every one leads to the next.
CHORDS = (
    (-19, -12, -8, -3, 1),
    (-22, -15, -8, -3, 2),
    (-14, -10, -7, -2, 2),
    (-12, -7, -5, -2, 2),
)
MELODY = (  # by chord: semitones, each a sixth of the chord long
    (5, 9, 12, 9, 7, 4),
    (2, 5, 9, 5, 4, 2),
    (2, 5, 9, 5, 2, -3),
    (0, 2, 7, 4, 2, -3),
)
PAD_HARMONICS = (1.0, 0.35, 0.12, 0.04)
BELL_HARMONICS = (1.0, 0.22, 0.06)


def main() -> int:
    """Make the loop."""
    loop = np.zeros(round(len(CHORDS) * CHORD_SECONDS * RATE))
    for index, (chord, melody) in enumerate(zip(CHORDS, MELODY, strict=True)):
        start = index * CHORD_SECONDS
        for note in chord:
            add(loop, start, pad(pitch(note), CHORD_SECONDS))
        for place, note in enumerate(melody):
            add(loop, start + place * CHORD_SECONDS / len(melody), bell(pitch(note)))
    loop -= loop.mean()
    loop *= LEVEL / np.sqrt((loop**2).mean())
    loop *= min(1.0, PEAK / np.abs(loop).max())
    write(MUSIC, loop, TITLE)
    print(f"{MUSIC.name}  {len(loop) / RATE:.1f} s, {MUSIC.stat().st_size / 1000:.0f} kB")
    return 0


def pitch(semitones: int) -> float:
    """Hz."""
    return float(440.0 * 2 ** (semitones / 12))


def tone(frequency: float, seconds: float, harmonics: tuple[float, ...]) -> Samples:
    """A tone with its harmonics, those that a telephone carries."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for number, strength in enumerate(harmonics, 1):
        if number * frequency < 3400:
            sound += strength * np.sin(2 * np.pi * number * frequency * time)
    return sound


def pad(frequency: float, seconds: float) -> Samples:
    """A held note that swells and fades into the next chord; two voices a little apart make it warm."""
    length = seconds + 1.6
    sound = tone(frequency * 1.0012, length, PAD_HARMONICS) + tone(frequency / 1.0012, length, PAD_HARMONICS)
    return 0.5 * sound * envelope(len(sound), rise=1.0, fall=1.8)


def bell(frequency: float) -> Samples:
    """A struck note."""
    sound = tone(frequency, 2.5, BELL_HARMONICS)
    time = np.arange(len(sound)) / RATE
    return 0.55 * sound * np.exp(-time / 0.55) * envelope(len(sound), rise=0.012, fall=0.2)


def envelope(length: int, *, rise: float, fall: float) -> NDArray[np.float64]:
    """Raised cosines at both ends."""
    time = np.arange(length) / RATE
    attack = np.minimum(time / rise, 1.0)
    release = np.minimum((length / RATE - time) / fall, 1.0)
    shape: NDArray[np.float64] = 0.25 * (1 - np.cos(np.pi * attack)) * (1 - np.cos(np.pi * release))
    return shape


def add(loop: Samples, start: float, sound: Samples) -> None:
    """Mix a sound in; what reaches beyond the end goes on at the beginning."""
    places = (round(start * RATE) + np.arange(len(sound))) % len(loop)
    loop[places] += sound


if __name__ == "__main__":
    sys.exit(main())
