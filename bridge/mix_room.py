"""The mix of one meeting: who is heard in this tick, and which sums its telephones hear.

Telephones and those behind the engine (``bridge.guests``) stand for the same three places. What a telephone
says goes into the sums and, as it is, to the engine (``bridge.speech``); what a guest says only into the
sums, since the engine carries it to the others behind it.

Most hear the same sum, encoded once per codec. A *channel apart* hears one of its own: who speaks (the sum
without itself) and to whom something is announced. The sums of all meetings are worked out in one go
(``bridge.sums``), so a tick is two steps here: :meth:`MixRoom.decide`, then, where somebody has a codec that
carries state, :meth:`MixRoom.encode`. A change from the shared stream to an encoder of its own
would pop with a codec that carries state (G.722): the new encoder is primed with the last shared frames,
and kept for a while when the two sums are the same again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.announcer import Recording, Utterance
from bridge.channel import NARROW, WIDE, Channel, decoded
from bridge.guests import Guests
from bridge.shared_stream import SharedStream
from bridge.speech import Speech
from bridge.sums import NOTHING, Sums
from conferencing.engine import Seat, SpeakerFrame
from conferencing.events import Event, Joined, Left
from conferencing.meeting import Meeting
from conferencing.speakers import SILENCE, choose
from media.codecs import Codec, CompandingLaw, Pcm

Heard = tuple[bytes | Pcm | None, Pcm | None]
"""What somebody said in a tick: at 8 kHz, as octets of its law where nobody has decoded them yet, and at
16 kHz."""
Take = Callable[[Meeting], Sequence[SpeakerFrame]]
"""``conferencing.engine.Engine.take``."""

# Ticks for which a stateful encoder of a channel's own outlives the need for it.
LINGER_TICKS = 25
# Ticks for which a speaker who pauses keeps the place.
PAUSE_TICKS = 25
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
    def law(self) -> CompandingLaw | None:
        """What the octets are of that it says, if it says octets."""

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


class MixRoom:
    """One meeting: its telephones, and its guests behind the engine, of whom ``take`` brings the speech."""

    __slots__ = (
        "_apart",
        "_candidates",
        "_chimes",
        "_guests",
        "_listened",
        "_said",
        "_stop_listening",
        "_streams",
        "_sums",
        "_take",
        "_tones",
        "carries_state",
        "channels",
        "meeting",
        "speakers",
    )

    def __init__(self, sums: Mapping[int, Sums], meeting: Meeting, take: Take, chimes: Chimes) -> None:
        self.channels: dict[Channel, None] = {}
        self.carries_state = False  # whether somebody's codec does
        self.speakers: list[Speaker] = []
        self._candidates: list[tuple[float, Speaker]] = []
        self._apart: dict[Channel, None] = {}
        self._sums = sums
        self._chimes = chimes
        self._guests = Guests()
        self.meeting = meeting
        self._said: dict[Channel, None] = {}  # whose speech was given to the engine in the last tick
        self._stop_listening = meeting.listen(self._changed)
        self._streams: dict[str, SharedStream] = {}
        self._listened: dict[int, list[SharedStream]] = {}  # those with listeners, by sample rate
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
        channel.shared = self._stream(channel.codec)
        self.channels[channel] = None
        self._apart[channel] = None
        self._count(channel.codec, 1)

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
        channel.shared = None
        del self.channels[channel]
        self._apart.pop(channel, None)
        if not channel.codec.stateless and channel.encoder is None:
            channel.encoder = self._stream(channel.codec).primed_encoder()
        self._count(channel.codec, -1)
        if channel in self.speakers:
            self.speakers.remove(channel)

    def _count(self, codec: Codec, more: int) -> None:
        """Note that a codec has another listener, or one less."""
        self._stream(codec).listeners += more
        listened = [stream for stream in self._streams.values() if stream.listeners]
        self._listened = {
            rate: [stream for stream in listened if stream.codec.sample_rate == rate]
            for rate in {stream.codec.sample_rate for stream in listened}
        }
        self.carries_state = any(not stream.codec.stateless for stream in listened)

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

    def _stream(self, codec: Codec) -> SharedStream:
        stream = self._streams.get(codec.name)
        if stream is None:
            stream = self._streams[codec.name] = SharedStream(codec)
        return stream

    def decide(self, tick: int) -> None:
        """Settle what everyone hears in this tick, as sums still to be worked out."""
        frames = self._take(self.meeting)
        if frames or self._guests:
            for guest, level in self._guests.advance(frames, tick):
                if level > SILENCE:
                    self.nominate(guest, level, tick)
        said: dict[Speaker, Heard] = {}
        if self._candidates or self.speakers:
            said = dict(self._heard(tick, narrow=NARROW in self._listened, wide=WIDE in self._listened))
        if said or self._said:
            self._tell_guests(said)
        if self._tones:
            self._tones = [tone for tone in self._tones if tone.advance()]
        for rate, streams in self._listened.items():
            self._share(rate, said, streams, tick)

    def _share(
        self, rate: int, said: Mapping[Speaker, Heard], streams: Iterable[SharedStream], tick: int
    ) -> None:
        """What those hear whose codec has this sample rate: the shared ``streams``, and those apart."""
        sums, wide = self._sums[rate], rate == WIDE
        rows = {
            speaker: sums.put(frame, speaker.law)
            for speaker, heard in said.items()
            if (frame := heard[wide]) is not None
        }
        tones = [sums.put(tone.wide if wide else tone.narrow) for tone in self._tones]
        total = sums.total([*rows.values(), *tones])
        for stream in streams:
            if total != NOTHING:
                sums.hear(stream, total)
            elif stream.codec.stateless:
                stream.own = stream.silence
        for channel in tuple(self._apart):
            if channel.codec.sample_rate == rate:
                self._hear_apart(channel, sums, total, rows.get(channel), tick)

    def _hear_apart(self, channel: Channel, sums: Sums, total: int, row: int | None, tick: int) -> None:
        utterance = channel.utterance
        if row is not None or utterance is not None:
            channel.apart_until = tick + (0 if channel.codec.stateless else LINGER_TICKS)
        elif tick > channel.apart_until:
            del self._apart[channel]
            channel.encoder = None
            return
        words = None if utterance is None else utterance.wide if channel.is_wide else utterance.narrow
        if total != NOTHING or words is not None:
            sums.hear(channel, total, without=row or NOTHING, words=words)

    def encode(self) -> None:
        """Encode what this tick's sums have become, for those whose codec carries state."""
        for stream in self._streams.values():
            if stream.listeners and not stream.codec.stateless:
                stream.encode()
        for channel in self._apart:
            if not channel.codec.stateless:
                if channel.encoder is None:
                    channel.encoder = self._stream(channel.codec).primed_encoder()
                channel.encode()

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
                heard = _fade(speaker, heard, _FADE_IN)
            if isinstance(speaker, Channel):
                self._apart[speaker] = None
            yield speaker, heard
        for speaker in before:
            if speaker not in self.speakers and speaker.present:
                yield speaker, _fade(speaker, speaker.heard(narrow=narrow, wide=wide), _FADE_OUT)

    def _tell_guests(self, said: Mapping[Speaker, Heard]) -> None:
        """Give the engine what telephones said, each for itself, while anybody behind it listens."""
        before, self._said = self._said, {}
        for speaker, heard in said.items():
            if isinstance(speaker, Channel) and speaker.speech is not None and speaker.speech.wanted:
                frame = heard[speaker.is_wide]
                if frame is not None:
                    speaker.speech.say(decoded(frame, speaker.law), speaker.codec.sample_rate)
                    self._said[speaker] = None
        for speaker in before:
            if speaker not in self._said and speaker.speech is not None:
                speaker.speech.pause()

    def address(self, channel: Channel) -> None:
        """Something is to be said to this channel."""
        self._apart[channel] = None


def _fade(speaker: Speaker, heard: Heard, fade: NDArray[np.float32]) -> Heard:
    narrow, wide = heard
    return (
        None if narrow is None else _faded(decoded(narrow, speaker.law), fade),
        None if wide is None else _faded(wide, fade),
    )


def _faded(pcm: Pcm, fade: NDArray[np.float32]) -> Pcm:
    return (pcm * fade[:: len(fade) // len(pcm)]).astype(np.int16)
