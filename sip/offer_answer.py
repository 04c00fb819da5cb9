"""Who owes whom an answer: the offer/answer state of a session (RFC 3264, RFC 6337).

One offer at a time. Whoever has one on the table owes or is owed an answer, and a second offer meets::

    STABLE   --OFFER_IN----> THEIRS
    STABLE   --OFFER_OUT---> OURS
    THEIRS   --ANSWER_OUT--> STABLE
    THEIRS   --FAIL--------> STABLE
    OURS     --ANSWER_IN---> STABLE
    OURS     --FAIL--------> STABLE

THEIRS: they have offered, we owe the answer; another offer of theirs is refused with 500 and Retry-After
(RFC 3261 section 14.2, RFC 3311 section 5.2). OURS: we have offered; an offer of theirs is glare and refused
with 491. FAIL leaves the session as it was: what had been agreed stays agreed.

The numbers of our ``o=`` line are kept here and nowhere else, because they belong to the session and not to
whoever wrote the description: one session id, and a version that rises by one when the description changed
and only then (RFC 3264 section 8; some room systems restart their media on every new version).
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from media.sdp import SessionDescription


class OfferState(Enum):
    """Whose offer waits for its answer."""

    STABLE = auto()
    THEIRS = auto()
    OURS = auto()


class OfferEvent(Enum):
    """What moves an offer along."""

    OFFER_IN = auto()
    OFFER_OUT = auto()
    ANSWER_IN = auto()
    ANSWER_OUT = auto()
    FAIL = auto()


TABLE: Final[Mapping[tuple[OfferState, OfferEvent], OfferState]] = {
    (OfferState.STABLE, OfferEvent.OFFER_IN): OfferState.THEIRS,
    (OfferState.STABLE, OfferEvent.OFFER_OUT): OfferState.OURS,
    (OfferState.THEIRS, OfferEvent.ANSWER_OUT): OfferState.STABLE,
    (OfferState.THEIRS, OfferEvent.FAIL): OfferState.STABLE,
    (OfferState.OURS, OfferEvent.ANSWER_IN): OfferState.STABLE,
    (OfferState.OURS, OfferEvent.FAIL): OfferState.STABLE,
}


class IllegalOffer(Exception):  # noqa: N818 - what happened, as in the transactions
    """An offer or answer that the state does not allow; nothing has changed."""


class OfferAnswer:
    """The session's negotiation. ``session_id`` is any number that is ours alone."""

    def __init__(self, session_id: int) -> None:
        self.state = OfferState.STABLE
        self._session_id = session_id
        self._version = session_id
        self._sent: bytes | None = None

    def receive_offer(self) -> None:
        """They offer."""
        self._step(OfferEvent.OFFER_IN)

    def send_answer(self, sdp: SessionDescription) -> bytes:
        """We answer; returns what to send."""
        self._step(OfferEvent.ANSWER_OUT)
        return self._ours(sdp)

    def send_offer(self, sdp: SessionDescription) -> bytes:
        """We offer; returns what to send."""
        self._step(OfferEvent.OFFER_OUT)
        return self._ours(sdp)

    def receive_answer(self) -> None:
        """They answer."""
        self._step(OfferEvent.ANSWER_IN)

    def fail(self) -> None:
        """The offer on the table was refused or got lost; without one, nothing happens."""
        if self.state is not OfferState.STABLE:
            self._step(OfferEvent.FAIL)

    def _step(self, event: OfferEvent) -> None:
        try:
            self.state = TABLE[self.state, event]
        except KeyError:
            raise IllegalOffer(f"{event.name} while {self.state.name}") from None

    def _ours(self, sdp: SessionDescription) -> bytes:
        """The description with our numbers in its ``o=`` line."""
        sent = self._written(sdp)
        if self._sent is not None and sent != self._sent:
            self._version += 1
            sent = self._written(sdp)
        self._sent = sent
        return sent

    def _written(self, sdp: SessionDescription) -> bytes:
        origin = replace(sdp.origin, session_id=self._session_id, version=self._version)
        return replace(sdp, origin=origin).to_bytes()
