"""The mix of one meeting: who is heard in this tick, and the sums that its telephones hear.

Telephones and those behind the engine (``bridge.guests``) stand for the same three places. What a telephone
says goes into the sums and, as it is, to the engine (``bridge.speech``); what a guest says only into the
sums, since the engine carries it to the others behind it.

Most hear the same sum, encoded once per codec. A *channel apart* hears one of its own: who speaks (the sum
without itself) and to whom something is announced. A change from the shared stream to an encoder of its own
would pop with a codec that carries state (G.722): the new encoder is primed with the last shared frames,
and kept for a while when the two sums are the same again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.announcer import Recording, Utterance
from bridge.channel import Channel
from bridge.guests import Guests
from bridge.speech import Speech
from conferencing.engine import Seat, SpeakerFrame
from conferencing.meeting import Event, Joined, Left, Meeting
from conferencing.speakers import SILENCE, choose
from media.codecs import Codec, Encoder, Pcm
from media.gain import saturate

Sum = NDArray[np.int32]
Heard = tuple[Pcm | None, Pcm | None]
"""What somebody said in a tick, at 8 and at 16 kHz."""
Take = Callable[[Meeting], Sequence[SpeakerFrame]]
"""``conferencing.engine.Engine.take``."""

# Shared frames with which an encoder of a channel's own is primed (architecture, D3).
PRIMING_TICKS = 10
# Ticks for which a stateful encoder of a channel's own outlives the need for it.
LINGER_TICKS = 25
# Ticks for which a speaker who pauses keeps the place.
PAUSE_TICKS = 25
# Silent ticks after which a stateful encoder has settled and its last payload says it all.
SETTLED_TICKS = 25
# A speaker's smoothed level falls by this factor a tick: 6 dB in 60 ms.
DECAY = 0.63

_FADE_IN = np.ones(320, np.float32)
_FADE_IN[:80] = np.linspace(0.0, 1.0, 80, dtype=np.float32)  # 5 ms: an onset is not to be swallowed
_FADE_OUT = np.linspace(1.0, 0.0, 320, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Chimes:
    """What the telephones of a meeting hear when somebody comes or goes, by telephone or not."""

    joined: Recording
    left: Recording


class Speaker(Protocol):
    """Who may be heard: a telephone's :class:`Channel`, or a :class:`~bridge.guests.Guest`."""

    level: float
    """Mean square, smoothed."""
    level_tick: int
    """When it last spoke."""

    @property
    def speaks(self) -> bool:
        """Whether what it says is for the meeting."""

    @property
    def present(self) -> bool:
        """Whether it said something in this tick."""

    def begin(self) -> None:
        """It is to be heard from now on."""

    def heard(self, *, narrow: bool, wide: bool) -> Heard:
        """What it said in this tick, at the rates asked for, perhaps at others."""


def _faded(pcm: Pcm, fade: NDArray[np.float32]) -> Pcm:
    return (pcm * fade[:: len(fade) // len(pcm)]).astype(np.int16)


class EncodeBatch:
    """Sums to be encoded by one stateless codec: collected over all meetings, encoded in one go."""

    def __init__(self, codec: Codec) -> None:
        self.silence = codec.encoder().encode(np.zeros(codec.samples_per_tick, np.int16))
        self._encode = codec.encoder().encode
        self._takers: list[Channel | SharedStream] = []
        self._sums: list[Sum | Pcm] = []

    def add(self, taker: "Channel | SharedStream", total: Sum | Pcm) -> None:
        """Have ``total`` encoded for the taker's ``own``."""
        self._takers.append(taker)
        self._sums.append(total)

    def run(self) -> None:
        """Encode what was collected."""
        takers, sums = self._takers, self._sums
        if not takers:
            return
        self._takers, self._sums = [], []
        payloads = self._encode(saturate(np.stack(sums).astype(np.int32, copy=False)))
        size = len(payloads) // len(takers)
        for index, taker in enumerate(takers):
            taker.own = payloads[index * size : (index + 1) * size]


class SharedStream:
    """What all telephones of one codec hear that hear the same. ``own``: this tick's payload."""

    __slots__ = ("_encoder", "_history", "_quiet", "codec", "listeners", "own")

    def __init__(self, codec: Codec, silence: bytes) -> None:
        self.codec = codec
        self.listeners = 0
        self.own: bytes = silence
        self._encoder = codec.encoder()
        self._history: deque[Pcm] = deque(maxlen=PRIMING_TICKS)
        self._quiet = SETTLED_TICKS

    def encode(self, total: Sum | None) -> None:
        """Encode this tick's sum by the stream's own (stateful) encoder; None: silence."""
        self._quiet = self._quiet + 1 if total is None else 0
        if self._quiet > SETTLED_TICKS:
            return
        pcm = np.zeros(self.codec.samples_per_tick, np.int16) if total is None else saturate(total)
        self._history.append(pcm)
        self.own = self._encoder.encode(pcm)

    def primed_encoder(self) -> Encoder:
        """An encoder in the state that listeners of this stream expect."""
        encoder = self.codec.encoder()
        for pcm in self._history:
            encoder.prime(pcm)
        return encoder


class MixRoom:
    """One meeting: its telephones, and its guests behind the engine, of whom ``take`` brings the speech."""

    __slots__ = (
        "_apart",
        "_batches",
        "_candidates",
        "_chimes",
        "_guests",
        "_said",
        "_stop_listening",
        "_streams",
        "_take",
        "_tones",
        "channels",
        "meeting",
        "speakers",
    )

    def __init__(self, batches: dict[str, EncodeBatch], meeting: Meeting, take: Take, chimes: Chimes) -> None:
        self.channels: dict[Channel, None] = {}
        self.speakers: list[Speaker] = []
        self._candidates: list[tuple[float, Speaker]] = []
        self._apart: dict[Channel, None] = {}
        self._batches = batches
        self._chimes = chimes
        self._guests = Guests()
        self.meeting = meeting
        self._said: dict[Channel, None] = {}  # whose speech was given to the engine in the last tick
        self._stop_listening = meeting.listen(self._changed)
        self._streams: dict[str, SharedStream] = {}
        self._take = take
        self._tones: list[Utterance] = []

    def close(self) -> None:
        """The last telephone has gone."""
        self._stop_listening()

    def add(self, channel: Channel, seat: Seat) -> None:
        """A telephone comes in. Its own encoder goes on for a while, so that nothing pops."""
        channel.speech = Speech(seat)
        self._add(channel)

    def _add(self, channel: Channel) -> None:
        channel.room = self
        self.channels[channel] = None
        self._apart[channel] = None
        self._stream(channel.codec).listeners += 1

    def remove(self, channel: Channel) -> None:
        """A telephone goes away."""
        self._remove(channel)
        channel.speech = None
        self._said.pop(channel, None)

    def retune(self, channel: Channel) -> None:
        """A telephone has negotiated anew, perhaps another codec."""
        self._remove(channel)
        channel.retune()
        self._add(channel)

    def _remove(self, channel: Channel) -> None:
        channel.room = None
        del self.channels[channel]
        self._apart.pop(channel, None)
        stream = self._stream(channel.codec)
        stream.listeners -= 1
        if not channel.codec.stateless and channel.encoder is None:
            channel.encoder = stream.primed_encoder()
        if channel in self.speakers:
            self.speakers.remove(channel)

    def nominate(self, speaker: Speaker, level: float, tick: int) -> None:
        """Let somebody who says something in this tick stand for one of the three places."""
        speaker.level = max(level, speaker.level * DECAY ** (tick - speaker.level_tick))
        speaker.level_tick = tick
        self._candidates.append((speaker.level, speaker))

    def _changed(self, event: Event) -> None:
        match event:
            case Joined():
                self._tones.append(Utterance((self._chimes.joined,)))
            case Left():
                self._tones.append(Utterance((self._chimes.left,)))

    def payload(self, channel: Channel) -> bytes:
        """What a channel that is not apart hears in this tick."""
        return self._streams[channel.codec.name].own

    def _stream(self, codec: Codec) -> SharedStream:
        stream = self._streams.get(codec.name)
        if stream is None:
            batch = self._batches.get(codec.name)
            silence = batch.silence if batch else codec.encoder().encode(np.zeros(320, np.int16))
            stream = self._streams[codec.name] = SharedStream(codec, silence)
        return stream

    def mix(self, tick: int) -> None:
        """Work out what everyone hears in this tick: ``own`` of the streams and of the channels apart."""
        frames = self._take(self.meeting)
        if frames or self._guests:
            for guest, level in self._guests.advance(frames, tick):
                if level > SILENCE:
                    self.nominate(guest, level, tick)
        narrow = any(s.listeners and s.codec.sample_rate == 8000 for s in self._streams.values())
        wide = any(s.listeners and s.codec.sample_rate == 16000 for s in self._streams.values())
        said: dict[Speaker, Heard] = {}
        if self._candidates or self.speakers or self._said:
            said = dict(self._heard(tick, narrow=narrow, wide=wide))
            self._tell_guests(said)
        tones = [tone for tone in self._tones if tone.advance()]
        self._tones = tones
        parts = [*said.values(), *((tone.narrow, tone.wide) for tone in tones)]
        sums = {
            8000: _total(pcm for pcm, _ in parts) if narrow else None,
            16000: _total(pcm for _, pcm in parts) if wide else None,
        }
        self._share(sums)
        for channel in tuple(self._apart):
            self._apart_mix(channel, sums[channel.codec.sample_rate], said.get(channel), tick)

    def _heard(self, tick: int, *, narrow: bool, wide: bool) -> Iterator[tuple[Speaker, Heard]]:
        """What the speakers of this tick said; who lost the place is faded out, who won one faded in."""
        before = self.speakers
        pausing = [
            (speaker.level * DECAY ** (tick - speaker.level_tick), speaker)
            for speaker in before
            if 0 < tick - speaker.level_tick <= PAUSE_TICKS and speaker.speaks
        ]
        self.speakers = choose([*self._candidates, *pausing], before)
        self._candidates.clear()
        for speaker in self.speakers:
            if speaker not in before:
                speaker.begin()
            heard = speaker.heard(narrow=narrow, wide=wide)
            if speaker not in before:
                heard = _fade(heard, _FADE_IN)
            if isinstance(speaker, Channel):
                self._apart[speaker] = None
            yield speaker, heard
        for speaker in before:
            if speaker not in self.speakers and speaker.present:
                yield speaker, _fade(speaker.heard(narrow=narrow, wide=wide), _FADE_OUT)

    def _tell_guests(self, said: Mapping[Speaker, Heard]) -> None:
        """Give the engine what telephones said, each for itself, while anybody behind it listens."""
        before, self._said = self._said, {}
        for speaker, heard in said.items():
            if isinstance(speaker, Channel) and speaker.speech is not None and speaker.speech.wanted:
                pcm = heard[speaker.is_wide]
                if pcm is not None:
                    speaker.speech.say(pcm, speaker.codec.sample_rate)
                    self._said[speaker] = None
        for speaker in before:
            if speaker not in self._said and speaker.speech is not None:
                speaker.speech.pause()

    def _share(self, sums: dict[int, Sum | None]) -> None:
        for stream in self._streams.values():
            if not stream.listeners:
                continue
            total = sums[stream.codec.sample_rate]
            batch = self._batches.get(stream.codec.name)
            if batch is None:
                stream.encode(total)
            elif total is None:
                stream.own = batch.silence
            else:
                batch.add(stream, total)

    def _apart_mix(self, channel: Channel, total: Sum | None, said: Heard | None, tick: int) -> None:
        wide = channel.is_wide
        utterance = channel.utterance
        if said is not None or utterance is not None:
            channel.apart_until = tick + LINGER_TICKS
        own = said[wide] if said is not None else None
        if own is not None and total is not None:
            total = total - own
        if utterance is not None:
            words = utterance.wide if wide else utterance.narrow
            # The meeting is heard at half its loudness behind the voice.
            total = words.astype(np.int32) if total is None else (total >> 1) + words
        batch = self._batches.get(channel.codec.name)
        if batch is not None:
            if said is None and utterance is None:
                del self._apart[channel]
            elif total is not None:
                batch.add(channel, total)
        elif tick > channel.apart_until:
            del self._apart[channel]
            channel.encoder = None
        else:
            if channel.encoder is None:
                channel.encoder = self._stream(channel.codec).primed_encoder()
            pcm = np.zeros(channel.codec.samples_per_tick, np.int16) if total is None else saturate(total)
            channel.own = channel.encoder.encode(pcm)

    def address(self, channel: Channel) -> None:
        """Something is to be said to this channel."""
        self._apart[channel] = None


def _total(parts: Iterable[Pcm | None]) -> Sum | None:
    total: Sum | None = None
    for pcm in parts:
        if pcm is not None:
            total = pcm.astype(np.int32) if total is None else total + pcm
    return total


def _fade(heard: Heard, fade: NDArray[np.float32]) -> Heard:
    narrow, wide = heard
    return (
        None if narrow is None else _faded(narrow, fade),
        None if wide is None else _faded(wide, fade),
    )
