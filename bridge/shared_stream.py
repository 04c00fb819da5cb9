"""What the telephones of a meeting hear that all hear the same, encoded once (architecture, D3).

A telephone that begins to hear a sum of its own, with a codec that carries state, goes on with an encoder
primed with the last shared frames (:meth:`SharedStream.primed_encoder`), so that nothing pops.
"""

from collections import deque

import numpy as np

from media.codecs import Codec, Encoder, Pcm

# Shared frames with which an encoder of a channel's own is primed.
PRIMING_TICKS = 10
# Silent ticks after which a stateful encoder has settled and its last payload says it all.
SETTLED_TICKS = 25


class SharedStream:
    """What all telephones of one codec hear that hear the same (a ``bridge.sums.Taker``).

    ``own``: this tick's payload; where there is none, the last. ``pcm``: this tick's samples, which
    :meth:`encode` encodes.
    """

    __slots__ = ("_encoder", "_history", "_quiet", "codec", "gain", "listeners", "own", "pcm", "silence")

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.listeners = 0
        self.gain = 1.0
        self.pcm: Pcm | None = None
        self._encoder = codec.encoder()
        self._history: deque[Pcm] = deque(maxlen=PRIMING_TICKS)
        self._quiet = SETTLED_TICKS
        self.silence = self._encoder.encode(np.zeros(codec.samples_per_tick, np.int16))
        self.own: bytes | None = self.silence

    def encode(self) -> None:
        """Encode this tick's samples by the stream's own (stateful) encoder; None: silence."""
        pcm, self.pcm = self.pcm, None
        self._quiet = self._quiet + 1 if pcm is None else 0
        if self._quiet > SETTLED_TICKS:
            return
        if pcm is None:
            pcm = np.zeros(self.codec.samples_per_tick, np.int16)
        self._history.append(pcm)
        self.own = self._encoder.encode(pcm)

    def primed_encoder(self) -> Encoder:
        """An encoder in the state that listeners of this stream expect."""
        encoder = self.codec.encoder()
        for pcm in self._history:
            encoder.prime(pcm)
        return encoder
