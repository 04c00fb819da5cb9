"""Voices: who speaks how loudly, and forwarding what they say.

A browser's level comes with each packet (RFC 6464: 0 to 127 dB below full scale); a telephone's from the
bridge. Levels are smoothed here as mean squares of int16 samples, and ``conferencing.speakers`` ranks them.
Of the three that were chosen, packets go to all who listen; the others cost nothing but their level.

A telephone is a :class:`LocalVoice`: its Opus is made by the bridge, one frame each 20 ms while it is heard.
"""

from collections import deque
from typing import Final

from conferencing.embedded.slot import VoiceSlot
from conferencing.embedded.stream import AUDIO_CLOCK, Received, SharedClock, Stream

SMOOTHING: Final = 0.2  # per packet of 20 ms: a syllable counts, a click does not
FADING: Final = 0.7  # per tick without a packet
SILENT_AFTER: Final = 0.1  # s; DTX sends nothing at all
FRAMES: Final = 10  # kept for the bridge: 200 ms
FRAME_TICKS: Final = 960  # 20 ms
FRAME_SECONDS: Final = 0.020
MAX_PAUSE: Final = 3  # frames; after a longer one a new talk begins
QUIET: Final = 127
UNTOLD: Final = 40  # the level of a client that tells none
DTX_SIZE: Final = 3  # octets; such a frame says "silence goes on"

WINDOW: Final = 64  # packets by which one may be late: more than a second
WINDOW_MASK: Final = (1 << WINDOW) - 1

# Mean square of int16 by level.
ENERGY: Final = (*(32768.0**2 * 10 ** (-level / 10) for level in range(127)), 0.0)


class Voice:
    """What one participant says."""

    def __init__(self, participant_id: str, clock: SharedClock) -> None:
        self.participant_id = participant_id
        self.stream = Stream(AUDIO_CLOCK, clock)
        self.energy = 0.0
        self.listeners: list[VoiceSlot] = []
        self._window = 0  # which of the newest packets have come, the newest in bit 0
        # What the bridge has not taken yet; None while nobody there listens to this voice.
        self.frames: deque[tuple[bytes, int, int]] | None = None

    def heard(self, level: int, now: float) -> None:
        """Take the level of one packet."""
        self.energy += SMOOTHING * (ENERGY[level] - self.energy)

    def received(
        self, sequence: int, timestamp: int, marker: int, payload: bytes, now: float, level: int | None
    ) -> None:
        """Take a packet and forward it."""
        stream = self.stream
        number = stream.number_of(sequence)
        if number is None or not self._is_new(number - stream.highest):
            return
        if len(payload) <= DTX_SIZE:
            level = QUIET  # whatever it claims: a place among the three costs the sender speech
        elif level is None:
            level = UNTOLD
        stream.arrived(number, sequence, timestamp, len(payload), now)
        self.heard(level, now)
        if self.listeners:
            packet = Received(number, timestamp, marker, payload, 0)
            packet.level = level
            for slot in self.listeners:
                slot.forward(packet, now)
        if self.frames is not None and payload:
            self.frames.append((payload, -level, number))

    def _is_new(self, ahead: int) -> bool:
        """Whether a packet that is ``ahead`` of the newest comes for the first time; remembers it."""
        if ahead > 0:
            self._window = (self._window << min(ahead, WINDOW) | 1) & WINDOW_MASK
            return True
        place = 1 << -ahead
        if place > WINDOW_MASK or self._window & place:
            return False
        self._window |= place
        return True

    def silence(self) -> None:
        """Forget how loud it was: muted by a host."""
        self.energy = 0.0

    def tick(self, now: float) -> None:
        """Fade while nothing comes."""
        if now - self.stream.last_arrival > SILENT_AFTER:
            self.energy *= FADING


class LocalVoice(Voice):
    """A telephone's speech, frame by frame of 20 ms."""

    def __init__(self, participant_id: str) -> None:
        super().__init__(participant_id, SharedClock())
        self._sequence = 0
        self._timestamp = 0
        self._due = 0.0  # when the next frame is to be said if it follows the last one

    def say(self, payload: bytes, level: int, now: float) -> None:
        """Forward a frame; ``level`` in dBov (0 to -127)."""
        # The bridge encodes only while it is heard: the clock goes on in between. Within a talk it counts
        # frames, since the ticks that bring them may be late and then follow one another closely.
        missed = int((now - self._due) / FRAME_SECONDS)
        frames = 1 + missed if missed > MAX_PAUSE else 1
        self._due = (now if frames > 1 else self._due) + FRAME_SECONDS
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + frames * FRAME_TICKS) & 0xFFFFFFFF
        below = min(QUIET, max(0, -level))
        marker = 0x80 if frames > 1 else 0
        self.received(self._sequence, self._timestamp, marker, payload, now, below)
