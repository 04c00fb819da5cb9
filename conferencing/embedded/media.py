"""What signalling asks of a meeting's media, and hears from it; ``conferencing.embedded.plane`` does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from conferencing.meeting import MeetingRules


class Source(Enum):
    """What a participant may publish. The value is its name on the wire."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"


class OfferError(ValueError):
    """An offer that cannot be answered; the text is for the page's console."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The most video, in bit/s, that one browser may send, and that it is sent."""

    upload: int = 5_000_000
    download: int = 10_000_000


DEFAULT_RATES = Rates()


@dataclass(frozen=True, slots=True)
class SlotMap:
    """The receiving line ``mid`` of a peer now carries this source of this participant; ``None``: nothing."""

    mid: str
    participant_id: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Published:
    """A layer that comes from the browser; ``lost``: packets that never came. No simulcast: layer ""."""

    source: str
    layer: str
    codec: str
    height: int
    rate: int
    lost: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on its way to the browser; layer and height are None until it has begun."""

    mid: str
    state: str
    layer: str | None
    height: int | None
    loss: float
    repairs: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """How a browser's media travels: s, bit/s, pixels, loss as a fraction.

    ``loss`` is that of all video to the browser, ``sent`` its rate, ``estimate`` what its link may take.
    """

    round_trip: float
    loss: float
    estimate: int
    sent: int
    microphone: int
    layers: tuple[Published, ...]
    slots: tuple[Shown, ...]


class WantedTile(Protocol):
    """A picture on a page."""

    @property
    def participant(self) -> str:
        """Whose."""

    @property
    def height(self) -> int:
        """In device pixels."""


class MediaPeer(Protocol):
    """One browser's media."""

    def offer(self, sdp: str) -> str:
        """Answer an offer. Raises :class:`OfferError`."""

    def want(self, tiles: Sequence[WantedTile]) -> None:
        """What the page would like to see, the most important first."""

    def allow(self, source: Source, allowed: bool) -> None:
        """Forward this source of the peer, or drop it here."""

    @property
    def offer_wanted(self) -> bool:
        """Whether the page should offer anew, as the codecs that all understand are others now."""

    def stats(self) -> Statistics:
        """How it travels."""


class PeerEvents(Protocol):
    """Who hears of one browser's media."""

    def connected(self) -> None:
        """Media flows."""

    def closed(self, reason: str) -> None:
        """Media flows no more: nothing authentic came for 15 s, or the peer closed it."""

    def slots(self, slots: Sequence[SlotMap]) -> None:
        """Receiving lines carry something else now."""


class LocalAudio(Protocol):
    """A telephone's speech on its way to the browsers."""

    @property
    def wanted(self) -> bool:
        """Whether any browser would hear what is sent."""

    def send(self, payload: bytes, level: int) -> None:
        """Give 20 ms of Opus; ``level`` in dBov (0 to -127)."""

    def close(self) -> None:
        """The telephone has left."""


class Speech(Protocol):
    """Opus that a browser's participant said: see :class:`conferencing.engine.SpeakerFrame`."""

    @property
    def participant_id(self) -> str:
        """Whose."""

    @property
    def payload(self) -> bytes:
        """The Opus packet."""

    @property
    def level(self) -> int:
        """In dBov."""

    @property
    def sequence(self) -> int:
        """RTP sequence number."""


class Plane(Protocol):
    """One meeting's media."""

    @property
    def tiles(self) -> int:
        """How many cameras a browser is sent at once."""

    @property
    def speaking(self) -> Sequence[str]:
        """Ids of those who speak, the loudest first."""

    def join(self, participant_id: str, events: PeerEvents) -> MediaPeer:
        """Make a peer for a browser."""

    def leave(self, participant_id: str) -> None:
        """Close it; no error if there is none."""

    def speech(self, participant_id: str) -> LocalAudio:
        """Open a telephone's way to the browsers."""

    def take(self) -> Sequence[Speech]:
        """What the loudest browsers said since the last call."""

    def tick(self, now: float) -> None:
        """Let time pass; every 20 ms."""

    def close(self) -> None:
        """The meeting is over."""


MakePlane = Callable[[MeetingRules], Plane]
