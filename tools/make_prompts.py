#!/usr/bin/env python3
"""Make the recordings in ``config/prompts`` from the texts in ``config.texts``, with SVOX Pico.

Needs ``pico2wave``: Debian's ``libttspico-utils``, from the non-free section. Nothing else needs it, since
the recordings are committed. They are 16 kHz mono FLAC, trimmed of silence, brought to one loudness and
faded at both ends; the text is the title tag, so that a test can tell which recording is out of date. The
same texts give the same samples.

Usage: .venv/bin/python tools/make_prompts.py
"""

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from config.prompts import SHIPPED
from config.texts import LANGUAGES, Language, texts

Samples = NDArray[np.float64]  # full scale is 1.0

VOICES: dict[Language, str] = {"fr": "fr-FR", "en": "en-GB"}
RATE = 16_000  # Hz
BLOCK = RATE // 100  # 10 ms, the grain in which loudness is looked at
SILENCE = 10 ** (-45 / 20)  # a block below is silence
LEVEL = 10 ** (-20 / 20)  # RMS of the speech, pauses left out: -20 dBov
PEAK = 10 ** (-3 / 20)
FADE = RATE * 8 // 1000  # 8 ms at both ends


def main() -> int:
    """Make all recordings anew, and remove those that no text asks for any more."""
    for language in LANGUAGES:
        folder = SHIPPED / language
        folder.mkdir(exist_ok=True)
        wanted = {folder / f"{phrase.value}.flac": text for phrase, text in texts(language).items()}
        for file in set(folder.glob("*.flac")) - wanted.keys():
            file.unlink()
        for file, text in wanted.items():
            samples = polish(synthesise(text, VOICES[language]))
            write(file, samples, text)
            print(f"{file.relative_to(SHIPPED)}  {len(samples) / RATE:.1f} s")
    return 0


def synthesise(text: str, voice: str) -> Samples:
    """Have Pico read a text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "speech.wav")
        command = ["pico2wave", "-l", voice, "-w", str(file), text.replace("’", "'")]
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            sys.exit("pico2wave is missing: apt-get install libttspico-utils (Debian's non-free section)")
        with wave.open(str(file)) as speech:
            if (speech.getframerate(), speech.getnchannels(), speech.getsampwidth()) != (RATE, 1, 2):
                sys.exit(f"pico2wave gave {speech.getparams()}, not 16 kHz mono")
            pcm: Samples = np.frombuffer(speech.readframes(speech.getnframes()), "<i2").astype(np.float64)
    return pcm / 32768


def polish(samples: Samples) -> Samples:
    """Trim, bring to ``LEVEL`` as far as ``PEAK`` allows, fade in and out."""
    samples = samples - samples.mean()
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    loudness = np.sqrt((blocks**2).mean(axis=1))
    heard = np.flatnonzero(loudness > SILENCE)
    start = max(heard[0] - 2, 0) * BLOCK  # 20 ms before: soft consonants
    end = (heard[-1] + 7) * BLOCK  # 60 ms after: the room for the last sound to die away
    speech: Samples = samples[start:end].copy()
    gain = LEVEL / np.sqrt((blocks[heard] ** 2).mean())
    speech *= min(gain, PEAK / np.abs(speech).max())
    ramp = np.sin(np.linspace(0, np.pi / 2, FADE)) ** 2
    speech[:FADE] *= ramp
    speech[-FADE:] *= ramp[::-1]
    return speech


def write(file: Path, samples: Samples, title: str) -> None:
    """Write a FLAC file with the text as its title."""
    pcm = np.round(samples * 32767).astype(np.int16).reshape(1, -1)
    with av.open(
        str(file), "w", format="flac", container_options={"metadata_header_padding": "0"}
    ) as container:
        container.metadata["title"] = title
        stream = container.add_stream("flac", rate=RATE, layout="mono", options={"compression_level": "12"})
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


if __name__ == "__main__":
    sys.exit(main())
