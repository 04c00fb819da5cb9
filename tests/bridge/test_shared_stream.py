"""One encoder for many ears, and those that take over from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.shared_stream import SharedStream
from media.codecs import G722
from tests.bridge.lines import tone


def encoded(stream: SharedStream, pcm: NDArray[np.int16] | None) -> bytes | None:
    stream.pcm = pcm
    stream.encode()
    return stream.own


def test_silence_is_encoded_no_more_once_the_encoder_has_settled() -> None:
    stream = SharedStream(G722)
    speech = tone(400.0, 0.02, 16000)
    for _ in range(5):
        encoded(stream, speech)
    payloads = [encoded(stream, None) for _ in range(60)]
    assert payloads[-1] is payloads[-20]
    assert payloads[0] is not payloads[1]
    assert encoded(stream, speech) is not payloads[-1]


def test_a_primed_encoder_goes_on_without_a_pop() -> None:
    stream = SharedStream(G722)
    pcm = tone(400.0, 1.0, 16000)
    decoder, cold = G722.decoder(), G722.decoder()
    for at in range(0, 320 * 30, 320):
        payload = encoded(stream, pcm[at : at + 320]) or b""
        decoder.decode(payload)
        cold.decode(payload)
    following = pcm[320 * 30 : 320 * 31]
    primed = decoder.decode(stream.primed_encoder().encode(following)).astype(np.float64)
    popped = cold.decode(G722.encoder().encode(following)).astype(np.float64)
    # Compared after the codec's own delay of 22 samples.
    error, cold_error = (np.abs(out[22:] - following[:-22]).max() for out in (primed, popped))
    assert error < 1500
    assert cold_error > 3 * error
