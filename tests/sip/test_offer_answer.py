import pytest

from sip import offer_answer
from sip.offer_answer import TABLE, IllegalOffer, OfferAnswer, OfferState
from tests.sip.diagrams import transitions
from tests.sip.network import description


def test_the_diagram_is_the_table() -> None:
    drawn = {arrow[:3] for arrow in transitions(offer_answer.__doc__ or "")}
    assert drawn == {(before.name, event.name, after.name) for (before, event), after in TABLE.items()}


def test_an_offer_of_theirs_and_our_answer_are_the_session() -> None:
    session = OfferAnswer(7)
    session.receive_offer(description(1000))
    assert session.state is OfferState.THEIRS
    session.send_answer(description(2000))
    assert session.remote is not None
    assert session.local is not None
    assert (session.remote.medias[0].port, session.local.medias[0].port) == (1000, 2000)


def test_a_failed_offer_leaves_what_was_agreed() -> None:
    session = OfferAnswer(7)
    session.receive_offer(description(1000))
    session.send_answer(description(2000))
    agreed = session.local, session.remote
    session.send_offer(description(3000))
    session.fail()
    session.receive_offer(description(4000))
    session.fail()
    session.fail()
    assert (session.local, session.remote) == agreed
    assert session.state is OfferState.STABLE


def test_a_second_offer_raises_and_changes_nothing() -> None:
    session = OfferAnswer(7)
    session.send_offer(description(1000))
    with pytest.raises(IllegalOffer):
        session.receive_offer(description(2000))
    with pytest.raises(IllegalOffer):
        session.send_answer(description(2000))
    assert session.state is OfferState.OURS
    session.receive_answer(description(2000))
    assert session.remote == description(2000)


def test_the_version_rises_only_when_the_description_changed() -> None:
    session = OfferAnswer(7)
    origins = []
    for port in (1000, 1000, 2000, 2000, 1000):
        sent = session.send_offer(description(port))
        session.receive_answer(description(9))
        origins.append((sent.origin.session_id, sent.origin.version))
    assert origins == [(7, 7), (7, 7), (7, 8), (7, 8), (7, 9)]


def test_the_description_of_the_owner_is_not_touched() -> None:
    mine = description(1000)
    OfferAnswer(7).send_offer(mine)
    assert mine == description(1000)
