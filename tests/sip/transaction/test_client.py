from math import inf

from sip.message import Request
from sip.transaction import Command, GiveUp, InviteClient, NonInviteClient, Pass, Send, State, Trouble
from sip.transaction.client import ClientTransaction
from tests.sip.transaction.messages import answer, request


def sends(transaction: ClientTransaction, until: float) -> list[float]:
    """When the transaction sends by itself; other commands end the list."""
    times = []
    while transaction.next_deadline <= until:
        now = transaction.next_deadline
        if not all(isinstance(command, Send) for command in transaction.expire(now)):
            break
        times.append(now)
    return times


def give_ups(commands: list[Command]) -> list[Trouble]:
    return [command.trouble for command in commands if isinstance(command, GiveUp)]


def test_an_invite_is_repeated_at_doubling_intervals_and_given_up_after_64_t1() -> None:
    transaction = InviteClient(request(), None, reliable=False)
    assert transaction.start(0.0) == [Send(transaction, transaction.request)]
    assert sends(transaction, 31.9) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert give_ups(transaction.expire(32.0)) == [Trouble.TIMEOUT]
    assert transaction.terminated


def test_over_tcp_nothing_is_repeated() -> None:
    for transaction in (
        InviteClient(request(), None, reliable=True),
        NonInviteClient(request("BYE"), None, reliable=True),
    ):
        transaction.start(0.0)
        assert transaction.next_deadline == 32.0
        assert give_ups(transaction.expire(32.0)) == [Trouble.TIMEOUT]


def test_a_provisional_response_stops_the_repetitions_and_the_clock() -> None:
    transaction = InviteClient(request(), None, reliable=False)
    transaction.start(0.0)
    ringing = answer(transaction.request, 180)
    assert transaction.receive_response(ringing, 1.0) == [Pass(transaction, ringing)]
    assert transaction.next_deadline == inf


def test_a_failure_is_acknowledged_hop_by_hop_every_time_it_comes() -> None:
    transaction = InviteClient(request(), None, reliable=False)
    transaction.start(0.0)
    busy = answer(transaction.request, 486, tag="far")
    ack, passed = transaction.receive_response(busy, 1.0)
    assert passed == Pass(transaction, busy)
    assert isinstance(ack, Send)
    assert isinstance(ack.message, Request)
    assert ack.message.method == "ACK"
    assert ack.message.via.branch == "z9hG4bKone"
    assert str(ack.message.cseq) == "1 ACK"
    assert ack.message.to.tag == "far"
    assert ack.message.headers.get_all("Route") == ["<sip:p1.example.org;lr>"]
    (again,) = transaction.receive_response(busy, 2.0)
    assert isinstance(again, Send)
    assert transaction.expire(1.0 + 32.0) == []
    assert transaction.terminated


def test_every_2xx_is_passed_until_timer_m() -> None:
    transaction = InviteClient(request(), None, reliable=True)
    transaction.start(0.0)
    for tag in ("b", "c"):
        ok = answer(transaction.request, 200, tag)
        assert transaction.receive_response(ok, 1.0) == [Pass(transaction, ok)]
    assert transaction.state is State.ACCEPTED
    assert transaction.receive_response(answer(transaction.request, 486), 2.0) == []
    transaction.expire(33.0)
    assert transaction.terminated


def test_a_bye_is_repeated_up_to_every_4_seconds_and_given_up_after_64_t1() -> None:
    transaction = NonInviteClient(request("BYE"), None, reliable=False)
    transaction.start(0.0)
    assert sends(transaction, 31.9) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert give_ups(transaction.expire(32.0)) == [Trouble.TIMEOUT]


def test_after_a_provisional_response_a_bye_is_repeated_every_4_seconds_only() -> None:
    transaction = NonInviteClient(request("BYE"), None, reliable=False)
    transaction.start(0.0)
    transaction.receive_response(answer(transaction.request, 100), 0.1)
    assert sends(transaction, 9.0) == [0.5, 4.5, 8.5]


def test_the_answer_to_a_bye_comes_once_and_its_repetitions_are_absorbed_for_5_seconds() -> None:
    transaction = NonInviteClient(request("BYE"), None, reliable=False)
    transaction.start(0.0)
    ok = answer(transaction.request, 200)
    assert transaction.receive_response(ok, 1.0) == [Pass(transaction, ok)]
    assert transaction.receive_response(ok, 1.1) == []
    assert transaction.next_deadline == 6.0
    transaction.expire(6.0)
    assert transaction.terminated


def test_over_tcp_an_answered_bye_is_over_at_once() -> None:
    transaction = NonInviteClient(request("BYE"), None, reliable=True)
    transaction.start(0.0)
    transaction.receive_response(answer(transaction.request, 200), 1.0)
    transaction.expire(1.0)
    assert transaction.terminated


def test_over_tcp_a_refused_invite_is_over_at_once() -> None:
    transaction = InviteClient(request(), None, reliable=True)
    transaction.start(0.0)
    transaction.receive_response(answer(transaction.request, 486), 1.0)
    transaction.expire(1.0)
    assert transaction.terminated
