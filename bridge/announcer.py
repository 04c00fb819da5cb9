"""The voice: recordings decoded once at start, spoken frame by frame to whoever is to hear them.

A recording is any file that PyAV reads, mono after decoding, kept at 8 and at 16 kHz and cut into frames
of one tick (20 ms: 160 or 320 samples), so that speaking to a telephone copies nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from config.outcome import Outcome, PasserelleError
from config.texts import Phrase

Pcm = NDArray[np.int16]

NARROW = 8000
WIDE = 16000
# Silence between two phrases said one after the other, in ticks of 20 ms.
PAUSE_TICKS = 8
# Silence after the last words of a call: the jitter buffers on the way are to play them out before the BYE.
FAREWELL_TICKS = 25


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Frames of one tick: ``narrow`` (n, 160) at 8 kHz, ``wide`` (n, 320) at 16 kHz."""

    narrow: Pcm
    wide: Pcm

    def __len__(self) -> int:
        return len(self.narrow)

    @classmethod
    def of(cls, narrow: Pcm, wide: Pcm) -> "Recording":
        """Cut samples (both of the same duration) into frames, the last one filled up with silence."""
        ticks = max(-(-len(narrow) // 160), -(-len(wide) // 320))
        return cls(_frames(narrow, ticks, 160), _frames(wide, ticks, 320))

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Decode a file. Raises :class:`PasserelleError` naming it when that fails."""
        try:
            return cls.of(_decode(path, NARROW), _decode(path, WIDE))
        except (OSError, ValueError, av.FFmpegError, IndexError) as error:
            raise PasserelleError(
                f"the recording {path} cannot be read: {error}",
                outcome=Outcome.INTERNAL,
                hint="Replace it by a WAV or FLAC file, or remove it to use the shipped one.",
            ) from error


def _frames(samples: Pcm, ticks: int, size: int) -> Pcm:
    frames = np.zeros(ticks * size, np.int16)
    frames[: len(samples)] = samples
    return frames.reshape(ticks, size)


def _decode(path: Path, rate: int) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(str(path)) as container:
        decoded = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    decoded += resampler.resample(None)
    pcm: Pcm = np.concatenate([frame.to_ndarray()[0] for frame in decoded])
    if not len(pcm):
        raise ValueError("there is no sound in it")
    return pcm


def _silence(ticks: int) -> Recording:
    return Recording.of(np.zeros(ticks * 160, np.int16), np.zeros(ticks * 320, np.int16))


PAUSE = _silence(PAUSE_TICKS)
FAREWELL = _silence(FAREWELL_TICKS)


class Utterance:
    """Recordings being said one after the other. ``advance`` moves on by a tick."""

    __slots__ = ("_ahead", "_frame", "_part")

    def __init__(self, parts: Iterable[Recording]) -> None:
        self._ahead = iter(parts)
        self._part: Recording | None = None
        self._frame = 0

    def advance(self) -> bool:
        """Go to the next frame; False when all was said."""
        self._frame += 1
        while self._part is None or self._frame >= len(self._part):
            self._part = next(self._ahead, None)
            self._frame = 0
            if self._part is None:
                return False
        return True

    @property
    def narrow(self) -> Pcm:
        """The present frame at 8 kHz: 160 samples."""
        frame: Pcm = (self._part or PAUSE).narrow[self._frame]
        return frame

    @property
    def wide(self) -> Pcm:
        """The present frame at 16 kHz: 320 samples."""
        frame: Pcm = (self._part or PAUSE).wide[self._frame]
        return frame


class Announcer:
    """All that can be heard: recordings by language and phrase, the recorded names of rooms, and music."""

    def __init__(
        self,
        recordings: Mapping[str, Mapping[Phrase, Recording]],
        room_names: Mapping[str, Recording],
        music: Recording,
    ) -> None:
        self._recordings = recordings
        self._room_names = room_names
        self._music = music

    @classmethod
    def load(
        cls, files: Mapping[str, Mapping[Phrase, Path]], room_files: Mapping[str, Path], music: Path
    ) -> "Announcer":
        """Decode all files. Raises :class:`PasserelleError` naming the one that cannot be read."""
        return cls(
            {
                language: {phrase: Recording.load(path) for phrase, path in phrases.items()}
                for language, phrases in files.items()
            },
            {slug: Recording.load(path) for slug, path in room_files.items()},
            Recording.load(music),
        )

    def language_of(self, wanted: str | None, otherwise: str) -> str:
        """The language ``wanted`` if there are recordings in it: a room may name any."""
        return wanted if wanted is not None and wanted in self._recordings else otherwise

    def say(
        self, language: str, phrases: Sequence[Phrase], name_of: str | None = None, *, last: bool = False
    ) -> Utterance:
        """Speak phrases; the recorded name of room ``name_of`` comes after the first one, if there is one.

        ``last``: with some silence behind, since the call ends after it.
        """
        parts = list(self._parts(self._recordings[language], phrases, name_of))
        return Utterance([*parts, FAREWELL] if last else parts)

    def music(self) -> Utterance:
        """Music that has no end, from its beginning."""
        return Utterance(repeat(self._music))

    def _parts(
        self, recordings: Mapping[Phrase, Recording], phrases: Sequence[Phrase], name_of: str | None
    ) -> Iterator[Recording]:
        for index, phrase in enumerate(phrases):
            if index:
                yield PAUSE
            yield recordings[phrase]
            if index == 0 and name_of is not None and name_of in self._room_names:
                yield self._room_names[name_of]
