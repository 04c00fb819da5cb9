"""What signalling asks of a meeting's media, and hears from it; ``conferencing.embedded.plane`` does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class Source(Enum):
    """What a participant may publish. The value is its name on the wire."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"


class OfferError(ValueError):
    """An offer that cannot be answered; the text is for the page's console."""


@dataclass(frozen=True, slots=True)
class SlotMap:
    """The receiving line ``mid`` of a peer now carries this source of this participant; ``None``: nothing."""

    mid: str
    participant_id: str | None
    source: Source


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

    def stats(self) -> dict[str, Any]:
        """How it travels, for the page's details."""


class PeerEvents(Protocol):
    """Who hears of one browser's media."""

    def connected(self) -> None:
        """Media flows."""

    def closed(self, reason: str) -> None:
        """Media flows no more: nothing authentic came for 15 s, or the peer closed it."""

    def slots(self, slots: Sequence[SlotMap]) -> None:
        """Receiving lines carry something else now."""


class Plane(Protocol):
    """One meeting's media."""

    def join(self, participant_id: str, events: PeerEvents) -> MediaPeer:
        """Make a peer for a browser."""

    def leave(self, participant_id: str) -> None:
        """Close it; no error if there is none."""


MakePlane = Callable[[], Plane]


class NoPlane:
    """A meeting without media: whoever offers some is told so, the rest of the meeting works."""

    def join(self, participant_id: str, events: PeerEvents) -> MediaPeer:
        """See :class:`Plane`."""
        return _NoPeer()

    def leave(self, participant_id: str) -> None:
        """See :class:`Plane`."""


class _NoPeer:
    def offer(self, sdp: str) -> str:
        raise OfferError("this service carries no media of browsers")

    def want(self, tiles: Sequence[WantedTile]) -> None:
        pass

    def allow(self, source: Source, allowed: bool) -> None:
        pass

    def stats(self) -> dict[str, Any]:
        return {}
