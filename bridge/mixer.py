"""The mix: everyone hears the three loudest of their meeting, never themselves (architecture, D3).

One call of :meth:`Mixer.tick` every 20 ms serves the whole process:

1. **take**: each line's next frame comes out of its jitter buffer; G.711 stays encoded;
2. **rank**: the levels of all frames are worked out in one go per codec, and each meeting's three loudest,
   telephones or behind the engine, are chosen (``conferencing.speakers``); what nobody will hear is never
   decoded;
3. **mix**: a sum per meeting, at 8 kHz and, where somebody has a wideband telephone, at 16 kHz; those who
   speak, and those to whom something is announced, get a sum of their own. Meetings decide
   (``bridge.mix_room``), all their sums are worked out in one go (``bridge.sums``);
4. **encode**: all G.711 sums of the process in one go, G.722 once per meeting and once per channel apart;
5. **send**: every line is sent something, silence included, since NATs and SBCs drop a silent path.

So the cost grows with those who speak and not with those who are there. PCM is int16, sums are int32.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.announcer import Utterance
from bridge.channel import NARROW, WIDE, Channel, Line
from bridge.mix_room import LINGER_TICKS, Chimes, MixRoom, Take
from bridge.sums import NOTHING, Sums
from conferencing.engine import Seat
from conferencing.meeting import Meeting
from conferencing.speakers import SILENCE
from media.codecs import PCMA, PCMU, Codec
from media.gain import power

# Samples left out of a frame's level: every second one says as much, for half the work.
LEVEL_STRIDE: Final = 2

STATELESS: Final = (PCMU, PCMA)
SILENT: Final = {codec.name: codec.encoder().encode(np.zeros(160, np.int16)) for codec in STATELESS}


class _Bucket:
    """The frames of one stateless codec in one tick, whatever meeting they belong to."""

    __slots__ = ("_squares", "channels", "frames")

    def __init__(self, codec: Codec) -> None:
        every_octet = bytes(range(256))
        self._squares = codec.decoder().decode(every_octet).astype(np.float32) ** 2
        self.channels: list[Channel] = []
        self.frames: list[bytes] = []

    def levels(self) -> NDArray[np.float32]:
        """The mean square of each frame."""
        octets = np.frombuffer(b"".join(self.frames), np.uint8).reshape(len(self.frames), -1)
        levels: NDArray[np.float32] = self._squares.take(octets[:, ::LEVEL_STRIDE]).mean(axis=1)
        return levels


class Mixer:
    """All telephones of the process. ``take`` brings what those behind the engine said."""

    def __init__(self, take: Take, chimes: Chimes) -> None:
        self._take = take
        self._chimes = chimes
        self._channels: dict[Channel, MixRoom | None] = {}  # with the room that each is in
        self._rooms: dict[Meeting, MixRoom] = {}
        self._outside: dict[Channel, None] = {}
        self._addressed: dict[Channel, None] = {}  # those to whom something is being said
        self._next = 0  # the tick after the last one
        self._mended: list[Channel] = []  # whose frame of this tick is samples already
        self._buckets = {codec.name: _Bucket(codec) for codec in STATELESS}
        self._sums = {rate: Sums(rate // 50) for rate in (NARROW, WIDE)}

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, line: Line) -> Channel:
        """Take a line into the mixer, in no meeting yet."""
        channel = Channel(line)
        self._channels[channel] = None
        self._outside[channel] = None
        return channel

    def remove(self, channel: Channel) -> None:
        """Forget a line; twice is no error."""
        if channel in self._channels:
            self.leave(channel)
            del self._channels[channel]
            del self._outside[channel]
            self._addressed.pop(channel, None)

    def enter(self, channel: Channel, seat: Seat) -> None:
        """Put a channel into the meeting in which it has its seat."""
        meeting = seat.meeting
        room = self._rooms.get(meeting)
        if room is None:
            room = self._rooms[meeting] = MixRoom(self._sums, meeting, self._take, self._chimes)
        del self._outside[channel]
        self._channels[channel] = room
        room.add(channel, seat)

    def leave(self, channel: Channel) -> None:
        """Take a channel out of its meeting, if it is in one; it stays in the mixer."""
        room = self._channels.get(channel)
        if room is not None:
            room.remove(channel)
            self._channels[channel] = None
            self._outside[channel] = None
            if not room.channels:
                del self._rooms[room.meeting]
                room.close()

    def renew(self, channel: Channel) -> None:
        """The line has negotiated anew, perhaps another codec."""
        room = self._channels.get(channel)
        if channel.codec is channel.line.codec or room is None:
            channel.retune()
        else:
            room.retune(channel)

    def say(self, channel: Channel, utterance: Utterance, on_spoken: Callable[[], None]) -> None:
        """Say something to one channel, over its meeting if it is in one; ``on_spoken`` at the end of it."""
        if channel not in self._channels:  # it failed within this tick
            return
        channel.utterance = utterance
        channel.on_spoken = on_spoken
        self._addressed[channel] = None
        room = self._channels[channel]
        if room is not None:
            room.address(channel)

    def hush(self, channel: Channel) -> None:
        """Stop what is being said to a channel; its ``on_spoken`` is not called."""
        channel.utterance = None
        self._addressed.pop(channel, None)

    def tick(self, tick: int) -> None:
        """Serve every line for the 20 ms of this tick; those since the last one were skipped."""
        skipped, self._next = tick - self._next, tick + 1
        self._collect(skipped)
        self._rank(tick)
        spoken = self._advance()
        self._mix(tick)
        self._send(tick)
        for on_spoken in spoken:
            on_spoken()

    def _collect(self, skipped: int) -> None:
        buckets = self._buckets
        mended = self._mended
        broken: list[tuple[Channel, Exception]] = []
        for channel, room in tuple(self._channels.items()):  # a key that is heard as sound may end its call
            receiver = channel.receiver
            try:
                if skipped > 0:
                    receiver.skip(skipped)
                frame = receiver.take_plain()
                if frame is None:
                    channel.frame = receiver.take_pcm()
                    mended.append(channel)
                    continue
            except Exception as error:  # noqa: BLE001 - a dispatch boundary; logged by the call
                broken.append((channel, error))
                continue
            channel.frame = frame
            if room is not None and not channel.muted and channel.line.speaks:
                bucket = buckets[channel.codec.name]
                bucket.channels.append(channel)
                bucket.frames.append(frame)
        self._fail(broken)

    def _fail(self, broken: list[tuple[Channel, Exception]]) -> None:
        for channel, error in broken:
            self.remove(channel)
            channel.line.failed(error)

    def _rank(self, tick: int) -> None:
        for bucket in self._buckets.values():
            if not bucket.frames:
                continue
            levels = bucket.levels()
            for index in np.flatnonzero(levels > SILENCE).tolist():
                channel = bucket.channels[index]
                room = self._channels.get(channel)
                if room is not None:
                    room.nominate(channel, float(levels[index]), tick)
            bucket.channels.clear()
            bucket.frames.clear()
        for channel in self._mended:
            pcm, room = channel.frame, self._channels.get(channel)
            if pcm is not None and not isinstance(pcm, bytes) and room is not None:
                level = power(pcm)
                if level > SILENCE and channel.speaks:
                    room.nominate(channel, level, tick)
        self._mended.clear()

    def _mix(self, tick: int) -> None:
        rooms = tuple(self._rooms.values())
        for room in rooms:
            try:
                room.decide(tick)
            except Exception as error:  # noqa: BLE001 - a dispatch boundary
                self._end(room, error)
        for channel in self._outside:
            self._speak_outside(channel, tick)
        for sums in self._sums.values():
            sums.run()
        for room in rooms:
            if room.carries_state:
                try:
                    room.encode()
                except Exception as error:  # noqa: BLE001 - a dispatch boundary
                    self._end(room, error)
        for channel in self._outside:
            channel.encode()

    def _end(self, room: MixRoom, error: Exception) -> None:
        """A bug met in this meeting ends it for its telephones, and no other."""
        self._fail([(channel, error) for channel in room.channels])

    def _advance(self) -> list[Callable[[], None]]:
        """Go on by a tick in all that is being said; whom to tell that all was said."""
        spoken = [
            channel
            for channel in self._addressed
            if channel.utterance is None or not channel.utterance.advance()
        ]
        for channel in spoken:
            self.hush(channel)
        return [channel.on_spoken for channel in spoken if channel.on_spoken is not None]

    def _speak_outside(self, channel: Channel, tick: int) -> None:
        utterance, codec = channel.utterance, channel.codec
        if utterance is not None:
            words = utterance.wide if channel.is_wide else utterance.narrow
            self._sums[codec.sample_rate].hear(channel, NOTHING, words=words)
        elif codec.stateless:
            channel.own = SILENT[codec.name]
        if not codec.stateless:
            channel.apart_until = tick + LINGER_TICKS

    def _send(self, tick: int) -> None:
        for channel in self._channels:
            payload = channel.own
            if payload is not None:
                channel.own = None
            elif channel.shared is not None:
                payload = channel.shared.own
            if payload is not None:
                channel.line.send(payload, tick)
