"""What every peer that has ears can do, and what tests ask of its ears."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from .audio import Samples, has_tone, lacks_tone, likeness, read_sound, rms, tones_in
from .process import PATIENCE

PROMPTS = Path(__file__).parents[3] / "config" / "prompts"
#: Normalised cross-correlation above which a prompt was heard; G.711 and a conversion of rate cost little.
ALIKE = 0.7
SPEECH_SECONDS = 2.0
TAIL_SECONDS = 0.12


class Ears(Protocol):
    """A peer that records."""

    frequency: float

    def heard(self) -> tuple[int, Samples]: ...

    def hear(self, seconds: float) -> tuple[int, Samples]: ...


def settles(
    phone: Ears,
    *,
    hears: list[Ears] | None = None,
    not_hears: list[Ears] | None = None,
    timeout: float = PATIENCE,
) -> None:
    """Wait for a stretch of 1.5 s in which it hears those phones, not these, and not itself.

    A stretch, since announcements are mixed over a meeting; one is enough, since a gateway that leaks a
    tone leaks it always.
    """
    deadline = time.monotonic() + timeout
    while True:
        rate, samples = phone.hear(1.5)
        present = all(has_tone(samples, rate, other.frequency) for other in hears or [])
        absent = all(lacks_tone(samples, rate, other.frequency) for other in [phone, *(not_hears or [])])
        if present and absent:
            return
        if time.monotonic() > deadline:
            wanted = [other.frequency for other in hears or []]
            raise AssertionError(
                f"phone of {phone.frequency:.0f} Hz heard {tones_in(samples, rate)}: never {wanted} "
                f"without itself and {[other.frequency for other in not_hears or []]}"
            )


def hears_prompt(phone: Ears, name: str, timeout: float = PATIENCE) -> None:
    """Wait until it has heard the opening of a shipped prompt (`fr/welcome`), whenever in its call."""
    deadline = time.monotonic() + timeout
    while True:
        rate, samples = phone.heard()
        best = likeness(samples, _opening(name, rate)) if rate else 0.0
        if best > ALIKE:
            return
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{name} was not heard (likeness {best:.2f}) in {len(samples) / (rate or 1):.1f} s "
                f"at {rms(samples):.0f} dBFS"
            )
        time.sleep(0.1)


def _opening(name: str, rate: int) -> Samples:
    """But for the end, which a phone that is hung up on still has in its jitter buffer."""
    whole = read_sound(PROMPTS / f"{name}.flac", rate)
    return whole[: min(round(SPEECH_SECONDS * rate), len(whole) - round(TAIL_SECONDS * rate))]
