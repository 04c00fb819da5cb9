import pytest

from media.sdp import SessionDescription
from sip import offer_answer
from sip.offer_answer import TABLE, IllegalOffer, OfferAnswer, OfferState
from tests.sip.diagrams import transitions
from tests.sip.network import description


def test_the_diagram_is_the_table() -> None:
    drawn = {arrow[:3] for arrow in transitions(offer_answer.__doc__ or "")}
    assert drawn == {(before.name, event.name, after.name) for (before, event), after in TABLE.items()}


def origin(sent: bytes) -> tuple[int, int]:
    said = SessionDescription.parse(sent).origin
    return said.session_id, said.version


def test_after_the_answer_or_a_failure_either_may_offer() -> None:
    session = OfferAnswer(7)
    session.receive_offer()
    with pytest.raises(IllegalOffer):
        session.send_offer(description(2000))
    session.send_answer(description(2000))
    session.send_offer(description(3000))
    session.fail()
    session.receive_offer()
    session.fail()
    session.fail()
    assert session.state is OfferState.STABLE


def test_a_second_offer_raises_and_changes_nothing() -> None:
    session = OfferAnswer(7)
    session.send_offer(description(1000))
    with pytest.raises(IllegalOffer):
        session.receive_offer()
    with pytest.raises(IllegalOffer):
        session.send_answer(description(2000))
    session.receive_answer()
    assert session.state is OfferState.STABLE


def test_the_version_rises_only_when_the_description_changed() -> None:
    session = OfferAnswer(7)
    origins = []
    for port in (1000, 1000, 2000, 2000, 1000):
        origins.append(origin(session.send_offer(description(port))))
        session.receive_answer()
    assert origins == [(7, 7), (7, 7), (7, 8), (7, 8), (7, 9)]


def test_the_description_of_the_owner_is_not_touched() -> None:
    mine = description(1000)
    OfferAnswer(7).send_offer(mine)
    assert mine == description(1000)
