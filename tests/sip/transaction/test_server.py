from math import inf

import pytest

from sip.transaction import GiveUp, IllegalEvent, InviteServer, NonInviteServer, Pass, Send, State, Trouble
from tests.sip.transaction.messages import answer, request


def test_a_repeated_invite_gets_the_latest_provisional_response() -> None:
    invite = request()
    transaction = InviteServer(invite, None, reliable=False)
    assert transaction.receive_request(invite, 0.0) == []
    trying, ringing = answer(invite, 100), answer(invite, 180)
    assert transaction.respond(trying, 0.1) == [Send(transaction, trying)]
    transaction.respond(ringing, 0.2)
    assert transaction.receive_request(invite, 0.5) == [Send(transaction, ringing, repeated=True)]


def test_a_failure_is_repeated_until_its_ack() -> None:
    invite = request()
    transaction = InviteServer(invite, None, reliable=False)
    busy = answer(invite, 486)
    transaction.respond(busy, 0.0)
    times = []
    while transaction.next_deadline <= 12.0:
        times.append(transaction.next_deadline)
        assert transaction.expire(times[-1]) == [Send(transaction, busy, repeated=True)]
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert transaction.receive_request(request("ACK", to_tag="b"), 12.0) == []
    assert transaction.state is State.CONFIRMED
    assert transaction.receive_request(invite, 13.0) == []
    transaction.expire(17.0)
    assert transaction.terminated


def test_a_failure_without_ack_is_given_up_after_64_t1() -> None:
    transaction = InviteServer(request(), None, reliable=True)
    transaction.respond(answer(transaction.request, 486), 0.0)
    assert transaction.next_deadline == 32.0
    assert transaction.expire(32.0) == [GiveUp(transaction, Trouble.TIMEOUT)]
    assert transaction.terminated


def test_over_tcp_an_acknowledged_failure_is_over_at_once() -> None:
    transaction = InviteServer(request(), None, reliable=True)
    transaction.respond(answer(transaction.request, 486), 0.0)
    transaction.receive_request(request("ACK", to_tag="b"), 1.0)
    transaction.expire(1.0)
    assert transaction.terminated


def test_after_a_200_repeated_invites_are_absorbed_and_the_call_repeats_the_200() -> None:
    invite = request()
    transaction = InviteServer(invite, None, reliable=False)
    ok = answer(invite, 200)
    transaction.respond(ok, 0.0)
    assert transaction.receive_request(invite, 0.5) == []
    assert transaction.respond(ok, 0.5) == [Send(transaction, ok)]
    ack = request("ACK", to_tag="b")
    assert transaction.receive_request(ack, 1.0) == [Pass(transaction, ack)]
    assert transaction.next_deadline == 32.0
    transaction.expire(32.0)
    assert transaction.terminated


def test_a_second_final_response_raises_and_the_first_stays() -> None:
    transaction = InviteServer(request(), None, reliable=False)
    busy = answer(transaction.request, 486)
    transaction.respond(busy, 0.0)
    with pytest.raises(IllegalEvent):
        transaction.respond(answer(transaction.request, 200), 0.1)
    assert transaction.response is busy


def test_the_answer_to_a_bye_is_repeated_only_when_the_bye_is() -> None:
    bye = request("BYE")
    transaction = NonInviteServer(bye, None, reliable=False)
    assert transaction.receive_request(bye, 0.0) == []
    ok = answer(bye, 200)
    transaction.respond(ok, 0.1)
    assert transaction.receive_request(bye, 0.5) == [Send(transaction, ok, repeated=True)]
    assert transaction.next_deadline == pytest.approx(32.1)
    transaction.expire(33.0)
    assert transaction.terminated
    assert transaction.next_deadline == inf
