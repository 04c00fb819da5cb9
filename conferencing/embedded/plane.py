"""One meeting's media: peers that publish and subscribe, telephones' voices, and who is heard.

Everything is forwarded, nothing decoded (architecture, D4). Packets go from a peer's transport through its
streams straight to the slots that follow them; this class decides, tick by tick, what everybody has in
common: the three loudest, the codecs all can decode, the screens that are shared.

::

    browser ── MediaPeer ── Publisher ── VideoStream ──► VideoSlot ── Stage ── MediaPeer ──► browser
                                     └── Voice ────────► VoiceSlot ──┘
    telephone ── LocalAudio ── LocalVoice ─────────────►   "                     Plane.take() ──► bridge
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import structlog

from conferencing import speakers
from conferencing.embedded.codecs import PREFERENCE, Codec
from conferencing.embedded.media import DEFAULT_RATES, PeerEvents, Rates
from conferencing.embedded.offer import TILES, layout_of
from conferencing.embedded.peer import MediaPeer, Transport
from conferencing.embedded.publication import Publication
from conferencing.embedded.slot import VoiceSlot
from conferencing.embedded.voice import FRAMES, LocalVoice, Voice
from media.webrtc.transport import TransportHandler

logger = structlog.get_logger(__name__)

SPEAKING_HOLD: Final = 0.8  # s for which one who fell silent is still said to speak


@dataclass(frozen=True, slots=True)
class Speech:
    """20 ms (as a rule) of Opus that a browser's participant said; ``level`` in dBov (0 to -127).

    ``sequence`` rises by one with each packet that was sent: a gap tells what was lost.
    """

    participant_id: str
    payload: bytes
    level: int
    sequence: int


class LocalAudio:
    """A telephone's speech on its way to the browsers."""

    def __init__(self, plane: "Plane", voice: LocalVoice) -> None:
        self._plane = plane
        self._voice = voice

    @property
    def wanted(self) -> bool:
        """Whether any browser would hear what is sent."""
        return self._plane.has_listeners

    def send(self, payload: bytes, level: int) -> None:
        """Give 20 ms of Opus; ``level`` in dBov (0 to -127)."""
        self._voice.say(payload, level, self._plane.clock())

    def close(self) -> None:
        """The telephone has left."""
        self._plane.hang_up(self._voice)


class Plane:
    """One meeting's media.

    ``make_transport`` is ``MediaMux.peer``; ``preference`` orders the codecs that may be published; ``tiles``
    is how many cameras a browser is sent at once.
    """

    def __init__(
        self,
        make_transport: Callable[[TransportHandler], Transport],
        *,
        clock: Callable[[], float],
        random: Random,
        preference: Sequence[Codec] = PREFERENCE,
        rates: Rates = DEFAULT_RATES,
        tiles: int = TILES,
    ) -> None:
        self.rates = rates
        self.tiles = tiles
        self.layout = layout_of(tiles)
        self.clock = clock
        self.peers: dict[str, MediaPeer] = {}
        self.speaking: tuple[str, ...] = ()  # who speaks, the loudest first
        self.screens: Sequence[Publication] = ()  # that are shared, as of the last tick
        self.has_pictures = False  # somebody films, or did; or shares a screen
        self._make_transport = make_transport
        self._random = random
        self._preference = tuple(preference)
        self._locals: dict[str, LocalVoice] = {}
        self._chosen: list[Voice] = []
        self._spoke: dict[str, float] = {}

    # Coming and going

    def join(self, participant_id: str, events: PeerEvents) -> MediaPeer:
        """Make a peer for a browser; one it had before is closed."""
        self.leave(participant_id)
        peer = MediaPeer(participant_id, self, events, self._random, self.clock)
        peer.attach(self._make_transport(peer))
        self.peers[participant_id] = peer
        return peer

    def leave(self, participant_id: str) -> None:
        """Close a browser's peer; no error if there is none."""
        peer = self.peers.pop(participant_id, None)
        if peer is not None:
            peer.close()
            self._reassign()

    def speech(self, participant_id: str) -> LocalAudio:
        """Open a telephone's way to the browsers."""
        voice = self._locals[participant_id] = LocalVoice(participant_id)
        self._rank()
        self.route_voices()  # the first of them opens the way of the others to the bridge
        return LocalAudio(self, voice)

    def hang_up(self, voice: LocalVoice) -> None:
        """A telephone has left (:meth:`LocalAudio.close`)."""
        if self._locals.get(voice.participant_id) is voice:
            del self._locals[voice.participant_id]
            self._rank()
            self.route_voices()

    def close(self) -> None:
        """The meeting is over."""
        for participant_id in tuple(self.peers):
            self.leave(participant_id)

    # What peers ask (conferencing.embedded.peer.House)

    def publication(self, participant_id: str) -> Publication | None:
        """A participant's camera, when it is on."""
        peer = self.peers.get(participant_id)
        if peer is None or not peer.publisher.camera.streams:
            return None
        return peer.publisher.camera if peer.publisher.camera.is_shown(self.clock()) else None

    def publishable(self) -> Sequence[Codec]:
        """The codecs that everybody decodes; those nobody has an order for come last."""
        sets = [peer.decodes for peer in self.peers.values() if peer.decodes is not None]
        if not sets:
            return self._preference
        common = frozenset.intersection(*sets)
        rest = sorted(common.difference(self._preference), key=str)
        return [*(codec for codec in self._preference if codec in common), *rest]

    def negotiated(self, peer: MediaPeer) -> None:
        """A peer's codecs have changed: whoever publishes what it does not decode should offer anew."""
        common = self.publishable()
        for other in self.peers.values():
            published = {stream.codec for stream in other.publisher.streams() if stream.codec}
            if other is not peer and not published.issubset(common):
                other.offer_wanted = True
        self._reassign()

    def _reassign(self) -> None:
        now = self.clock()
        self._find_pictures(now)
        self._rank()
        self.route_voices()
        for peer in self.peers.values():
            peer.assign(now)

    def _find_pictures(self, now: float) -> None:
        publishers = [peer.publisher for peer in self.peers.values()]
        screens = [publisher.screen for publisher in publishers if publisher.screen.streams]
        self.screens = [screen for screen in screens if screen.layers(now)]
        self.has_pictures = bool(screens) or any(publisher.camera.streams for publisher in publishers)

    # Voices

    @property
    def has_listeners(self) -> bool:
        """Whether any browser is connected."""
        return any(peer.connected_now for peer in self.peers.values())

    def _voices(self) -> list[Voice]:
        microphones = (
            peer.publisher.voice for peer in self.peers.values() if peer.publisher.microphone_allowed
        )
        return [*microphones, *self._locals.values()]

    def _rank(self) -> None:
        """Choose the three who are heard."""
        chosen = speakers.choose(((voice.energy, voice) for voice in self._voices()), self._chosen)
        if set(chosen) != set(self._chosen):
            self._chosen = chosen
            self.route_voices()
        else:
            self._chosen = chosen

    def route_voices(self) -> None:
        """Lead those who are heard to everybody's slots, and to the bridge."""
        routes: dict[Voice, list[VoiceSlot]] = {voice: [] for voice in self._voices()}
        for peer in self.peers.values():
            if peer.connected_now:
                for voice, slot in peer.subscriber.stage.place_voices(self._chosen):
                    if voice in routes:
                        routes[voice].append(slot)
        for voice, listeners in routes.items():
            voice.listeners = listeners
            bridged = bool(self._locals) and voice in self._chosen and not isinstance(voice, LocalVoice)
            if bridged != (voice.frames is not None):
                voice.frames = deque(maxlen=FRAMES) if bridged else None

    def take(self) -> Sequence[Speech]:
        """What the loudest browsers said since the last call, for the bridge."""
        said = []
        for voice in self._chosen:
            frames = voice.frames
            while frames:
                said.append(Speech(voice.participant_id, *frames.popleft()))
        return said

    # Time

    def tick(self, now: float) -> None:
        """Let time pass; every 20 to 100 ms."""
        self._find_pictures(now)
        for peer in tuple(self.peers.values()):
            try:
                peer.tick(now)
            except Exception:  # a bug that one peer meets must not be everybody's
                logger.exception("The media of a browser failed and is closed", participant=peer.id)
                self.leave(peer.id)
        for voice in self._locals.values():
            voice.tick(now)
        self._rank()
        self._tell_speaking(now)

    def _tell_speaking(self, now: float) -> None:
        for voice in self._chosen:
            if voice.energy > speakers.SILENCE:
                self._spoke[voice.participant_id] = now
        if self._spoke:
            self._spoke = {who: at for who, at in self._spoke.items() if now - at < SPEAKING_HOLD}
        self.speaking = tuple(
            voice.participant_id for voice in self._chosen if voice.participant_id in self._spoke
        )
