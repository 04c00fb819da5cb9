"""Opus (RFC 6716), by libopus through ctypes: between what browsers speak and the PCM of the mix.

libopus decodes to and encodes from 8 or 16 kHz itself, so that nothing is resampled: a browser's fullband
stream is decoded straight to 16 kHz, and a telephone's speech is encoded at the rate it has. The RTP clock
is 48 kHz whatever the rate (RFC 7587 section 4.1).

PyAV brings libopus along in its wheels and has a codec context for it, but neither loss concealment nor
forward error correction, and it decodes at 48 kHz only; so its copy of the library is called directly. One
frame of 20 ms, this way and by PyAV: encoding 90 µs at 16 kHz and 66 µs at 8 kHz (107 µs), decoding 12 µs
(16 µs, before resampling). The calls let go of the GIL.

A payload of up to ``SILENCE`` octets is discontinuous transmission: a table of contents and next to
nothing, after which the talker is silent and sends hardly anything. Our encoder leaves that to its owner:
libopus takes a steady tone of a second for noise, and would silence music and dial tones.
"""

import ctypes
import ctypes.util
from importlib.metadata import PackageNotFoundError, files
from typing import Final

import numpy as np

from media.codecs.pcm import Pcm

SILENCE: Final = 3
"""Octets in a payload that says no more than that the talker is silent."""

BITRATE: Final = 24_000
COMPLEXITY: Final = 5  # of 10: a third of the time of the best, and hard to tell from it
EXPECTED_LOSS: Final = 10  # percent; expecting 5, libopus corrects nothing at 16 kHz and this bit rate

_LONGEST: Final = 0.120  # seconds that one payload may hold (RFC 6716 section 3.2.5)
_LARGEST: Final = 1275  # octets in a frame
_APPLICATION_VOIP: Final = 2048
_SIGNAL_VOICE: Final = 3001
_RESET: Final = 4028
_SETTINGS: Final = {  # OPUS_SET_…
    4002: BITRATE,
    4010: COMPLEXITY,
    4012: 1,  # in-band forward error correction
    4014: EXPECTED_LOSS,
    4024: _SIGNAL_VOICE,
}


class OpusError(ValueError):
    """A payload that is not Opus, or samples that are not a frame of it."""


def _load() -> ctypes.CDLL:
    """The libopus that PyAV brings along; else the one of the system."""
    try:
        shipped = [str(file.locate()) for file in files("av") or () if file.name.startswith("libopus")]
    except PackageNotFoundError:
        shipped = []
    name = shipped[0] if shipped else ctypes.util.find_library("opus")
    if name is None:
        raise ImportError("libopus is missing: install PyAV from its wheel, or your system's libopus0")
    library = ctypes.CDLL(name)
    state, octets, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    library.opus_encoder_get_size.argtypes = library.opus_decoder_get_size.argtypes = [number]
    library.opus_encoder_init.argtypes = [state, ctypes.c_int32, number, number]
    library.opus_decoder_init.argtypes = [state, ctypes.c_int32, number]
    # Of variadic functions only what is fixed is declared: the rest travels otherwise on some processors.
    library.opus_encoder_ctl.argtypes = library.opus_decoder_ctl.argtypes = [state, number]
    library.opus_encode.argtypes = [state, octets, number, ctypes.c_void_p, ctypes.c_int32]
    library.opus_decode.argtypes = [state, octets, ctypes.c_int32, ctypes.c_void_p, number, number]
    library.opus_packet_get_nb_samples.argtypes = [octets, ctypes.c_int32, ctypes.c_int32]
    library.opus_strerror.restype = octets
    return library


_opus: Final = _load()


def _checked(result: int) -> int:
    if result < 0:
        raise OpusError(f"libopus: {_opus.opus_strerror(result).decode()}")
    return result


def samples(payload: bytes, rate: int) -> int:
    """How many samples at ``rate`` a payload holds, by its table of contents.

    Raises:
        OpusError: it is empty, or its table of contents is impossible.
    """
    return _checked(_opus.opus_packet_get_nb_samples(payload, len(payload), rate))


class Decoder:
    """One received stream, to mono PCM at ``rate``: 8000 or 16000 (libopus: 12000, 24000, 48000 too)."""

    __slots__ = ("_address", "_pcm", "_state")

    def __init__(self, rate: int = 16_000) -> None:
        # The memory is ours, so there is nothing to give back.
        self._state = ctypes.create_string_buffer(_opus.opus_decoder_get_size(1))
        _checked(_opus.opus_decoder_init(self._state, rate, 1))
        self._pcm: Pcm = np.empty(round(_LONGEST * rate), np.int16)
        self._address = self._pcm.ctypes.data

    def decode(self, payload: bytes, /) -> Pcm:
        """Decode a payload; stereo is mixed down.

        Raises:
            OpusError: it is not Opus. The stream can go on with the next one.
        """
        if not payload:  # to libopus, no payload is a lost one
            raise OpusError("an empty payload")
        return self._decode(payload, len(self._pcm), 0)

    def conceal(self, samples: int) -> Pcm:
        """That many samples (a multiple of 2.5 ms, 120 ms at most) in place of lost ones."""
        return self._decode(b"", samples, 0)

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The lost samples before ``following``, from what that says of them (forward error correction).

        They are concealed when it says nothing. ``following`` is still to be decoded. Raises OpusError.
        """
        return self._decode(following, samples, 1)

    def reset(self) -> None:
        """Forget the past: what is decoded next follows silence."""
        _checked(_opus.opus_decoder_ctl(self._state, _RESET))

    def _decode(self, payload: bytes, room: int, correct: int) -> Pcm:
        if room > len(self._pcm):
            raise OpusError(f"{room} samples are longer than any payload")
        count = _opus.opus_decode(self._state, payload or None, len(payload), self._address, room, correct)
        return self._pcm[: _checked(count)].copy()


class Encoder:
    """One sent stream, from mono PCM at ``rate``: 8000 or 16000."""

    __slots__ = ("_payload", "_state", "rate")

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._payload = ctypes.create_string_buffer(_LARGEST)
        self._state = ctypes.create_string_buffer(_opus.opus_encoder_get_size(1))
        _checked(_opus.opus_encoder_init(self._state, rate, 1, _APPLICATION_VOIP))
        for request, value in _SETTINGS.items():
            _checked(_opus.opus_encoder_ctl(self._state, request, ctypes.c_int32(value)))

    def encode(self, pcm: Pcm, /) -> bytes:
        """Encode 20 ms.

        Raises:
            OpusError: it is not a frame's number of samples.
        """
        payload = self._payload
        size = _opus.opus_encode(self._state, pcm.tobytes(), len(pcm), payload, _LARGEST)
        return payload.raw[: _checked(size)]
