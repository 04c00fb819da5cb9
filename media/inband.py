"""Keys heard as sound: the tone pairs of ITU-T Q.23, for trunks that can do no other.

Listened for only where RFC 4733 was not agreed on, since speech can imitate tones. Each tick is projected on
the eight frequencies; it holds a key when one row and one column stand out from their groups, are about
equally loud (Q.24 lets the twist be 4 to 8 dB) and are most of what there is. Two such ticks in a row, 40 ms,
are a press; two others in a row end it. PCM is int16 at 8 kHz.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from media.codecs import Codec, Pcm
from media.receiver import AudioReceiver

ROWS: Final = (697.0, 770.0, 852.0, 941.0)  # Hz
COLUMNS: Final = (1209.0, 1336.0, 1477.0, 1633.0)
PAD: Final = ("123A", "456B", "789C", "*0#D")
RATE: Final = 8000
TICK: Final = 160  # samples

MIN_POWER: Final = 32768.0**2 * 10 ** (-35 / 10)  # mean square, both tones together: -35 dBov
MIN_SHARE: Final = 0.5  # of all power in the tick; a tone 1.5 % off loses 3 dB in its window
MAX_TWIST: Final = 10 ** (8 / 10)  # one tone above the other, in power
MIN_MARGIN: Final = 4.0  # 6 dB above the next frequency of its group, in power
TICKS_TO_PRESS: Final = 2
TICKS_TO_END: Final = 2

_PROJECTION: Final = (
    np.exp(-2j * np.pi * np.outer(np.arange(TICK), (*ROWS, *COLUMNS)) / RATE) * np.sqrt(2.0) / TICK
)


def key_in(pcm: Pcm) -> str | None:
    """The key whose tones fill this tick (160 samples), or None."""
    samples = pcm.astype(np.float64)
    total = float(samples @ samples) / TICK
    if total < MIN_POWER:
        return None
    powers = np.abs(samples @ _PROJECTION) ** 2
    row, column = int(powers[:4].argmax()), int(powers[4:].argmax())
    low, high = powers[row], powers[4 + column]
    others = np.delete(powers[:4], row).max(), np.delete(powers[4:], column).max()
    if (
        low + high < MIN_SHARE * total
        or low > MAX_TWIST * high
        or high > MAX_TWIST * low
        or low < MIN_MARGIN * others[0]
        or high < MIN_MARGIN * others[1]
    ):
        return None
    return PAD[row][column]


class ToneDetector:
    """Follows one stream tick by tick and tells each press once."""

    __slots__ = ("_absent", "_candidate", "_pressed", "_seen")

    def __init__(self) -> None:
        self._candidate: str | None = None
        self._seen = 0
        self._pressed: str | None = None
        self._absent = 0

    def receive(self, pcm: Pcm) -> tuple[str | None, bool]:
        """Take 160 samples at 8 kHz: the key if a press begins here, and whether a tone is heard at all."""
        key = key_in(pcm)
        if key is None or key != self._candidate:
            self._candidate, self._seen = key, 0
        self._seen += 1
        self._absent = 0 if key is not None and key == self._pressed else self._absent + 1
        if self._absent >= TICKS_TO_END:
            self._pressed = None
        if key is not None and key != self._pressed and self._seen >= TICKS_TO_PRESS:
            self._pressed, self._absent = key, 0
            return key, True
        return None, key is not None


class KeyHearing:
    """Stands before a receiver: tells of keys heard in what it gives out, and lets no tone of them through.

    Gives out PCM only, since every tick has to be listened to.
    """

    __slots__ = ("_decode", "_detector", "_on_key", "_plain", "_receiver", "_step")

    def __init__(self, receiver: AudioReceiver, codec: Codec, on_key: Callable[[str], None]) -> None:
        self._receiver = receiver
        self._decode = codec.decoder().decode
        self._detector = ToneDetector()
        self._on_key = on_key
        self._step = codec.sample_rate // RATE
        self._plain: bytes | None = None

    def skip(self, ticks: int) -> None:
        """See :meth:`AudioReceiver.skip`."""
        self._receiver.skip(ticks)

    def take_plain(self) -> bytes | None:
        """Nothing plain, ever: see :meth:`take_pcm`."""
        self._plain = self._receiver.take_plain()
        return None

    def take_pcm(self) -> Pcm | None:
        """This tick's samples, None for silence or a key's tones."""
        plain, self._plain = self._plain, None
        pcm = self._receiver.take_pcm() if plain is None else self._decode(plain)
        if pcm is None:
            return None
        key, tone = self._detector.receive(pcm[:: self._step])
        if key is not None:
            self._on_key(key)
        return None if tone else pcm
