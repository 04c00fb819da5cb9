from collections.abc import Callable

import pytest

from config.outcome import Outcome
from sip.call import Call, CallState, IllegalCall, Mismatch, NotAcceptable
from tests.sip.network import SDP, Network, Peer, Station, description


def waiting(call: Call) -> None:
    """An owner that does not answer at once."""


def scene(on_call: Callable[[Call], None] | None = None, kind: str = "udp") -> tuple[Network, Station, Peer]:
    network = Network()
    station = Station(network, kinds=(kind,))
    if on_call is not None:
        station.on_call = on_call
    return network, station, Peer(network, kind=kind)


def established(kind: str = "udp") -> tuple[Network, Station, Peer]:
    network, station, peer = scene(kind=kind)
    peer.invite()
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    assert station.calls[0].state is CallState.CONFIRMED
    return network, station, peer


def test_a_call_is_answered_confirmed_and_ended() -> None:
    network, station, peer = established()
    assert peer.statuses == [200]
    ok = peer.responses[0]
    assert ok.content_type == "application/sdp"
    assert b"m=audio 50000 " in ok.body
    assert ok.headers.get("Contact") == "<sip:192.0.2.10:5060>"
    assert "INVITE" in ok.headers.get_list("Allow")
    assert ok.to.tag
    handler = station.handlers[0]
    assert handler.events == ["confirmed"]
    peer.request("BYE")
    network.run(0.1)
    assert peer.statuses == [200, 200]
    assert handler.events == ["confirmed", "ended completed"]
    assert station.ended == [Outcome.COMPLETED]
    assert not station.agent.calls
    assert station.agent.dialogs == 0


def test_what_the_owner_sees_of_a_call() -> None:
    network, station, peer = scene(waiting)
    peer.invite()
    network.run(0.1)
    (call,) = station.calls
    assert len(call.id) == 8
    assert station.agent.calls[call.id] is call
    assert call.offer is not None
    assert call.offer.medias[0].port == 30_000
    assert (call.source.host, call.source.port, call.source.transport) == ("192.0.2.99", 5060, "udp")
    assert call.local_host == "192.0.2.10"
    assert call.state is CallState.RECEIVED


def test_a_slow_owner_gets_a_100_ahead_of_its_180_and_200() -> None:
    network, station, peer = scene(waiting)
    peer.invite()
    network.run(0.1)
    station.calls[0].ring()
    network.run(0.1)
    station.calls[0].answer(description())
    network.run(0.1)
    assert peer.statuses == [100, 180, 200]
    assert peer.responses[0].to.tag is None
    assert peer.responses[1].to.tag == peer.responses[2].to.tag


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_the_200_is_repeated_until_the_ack_over_tcp_too(kind: str) -> None:
    network, _, peer = scene(kind=kind)
    peer.invite()
    network.run(8)
    assert peer.statuses == [200] * 5  # at 0, 0.5, 1.5, 3.5 and 7.5 s
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(10)
    assert peer.statuses == [200] * 5


def test_without_an_ack_the_call_ends_with_bye_after_64_t1() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(31.9)
    assert peer.methods == []
    network.run(0.2)
    assert peer.methods == ["BYE"]
    assert station.handlers[0].events == ["ended no_ack"]
    peer.answer(peer.requests[0], 200)
    network.run(1)
    assert not station.agent.calls


def test_a_late_offer_gets_ours_and_its_answer_comes_in_the_ack() -> None:
    network, station, peer = scene()
    peer.invite(body=b"")
    network.run(0.1)
    assert station.calls[0].offer is None
    assert b"m=audio 50000 " in peer.learn().body
    peer.request("ACK", cseq=1, body=SDP % 31_000)
    network.run(0.1)
    answer = station.handlers[0].last_answer
    assert answer is not None
    assert answer.medias[0].port == 31_000


@pytest.mark.parametrize("body", [b"", b"v=1\r\n"])
def test_a_late_offer_that_is_never_answered_ends_the_call(body: bytes) -> None:
    network, station, peer = scene()
    peer.invite(body=b"")
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1, body=body)
    network.run(0.1)
    assert peer.methods == ["BYE"]
    assert station.handlers[0].events == ["ended no_codec"]


def test_cancel_gets_its_200_and_the_invite_a_487() -> None:
    network, station, peer = scene(lambda call: call.ring())
    invite = peer.invite()
    network.run(0.1)
    peer.request("CANCEL", cseq=1, branch=invite.via.branch)
    network.run(0.1)
    assert sorted(peer.statuses) == [180, 200, 487]
    tags = {response.to.tag for response in peer.responses}
    assert len(tags) == 1
    assert station.handlers[0].events == ["ended cancelled"]
    assert not station.agent.calls


def test_a_cancel_that_crosses_the_200_changes_nothing() -> None:
    network, station, peer = scene()
    invite = peer.invite()
    network.run(0.1)
    peer.request("CANCEL", cseq=1, branch=invite.via.branch)
    network.run(0.1)
    assert peer.statuses == [200, 200]
    assert station.calls[0].state is CallState.ANSWERED


def test_a_cancel_of_nothing_gets_481() -> None:
    network, _, peer = scene()
    peer.request("CANCEL", cseq=1)
    network.run(0.1)
    assert peer.statuses == [481]


def test_a_bye_before_the_answer_takes_the_invite_with_it() -> None:
    network, station, peer = scene(lambda call: call.ring())
    peer.invite()
    network.run(0.1)
    peer.learn()
    peer.request("BYE")
    network.run(0.1)
    assert sorted(peer.statuses) == [180, 200, 487]
    assert station.handlers[0].events == ["ended cancelled"]


def test_a_bye_before_the_ack_ends_the_call_and_the_repetitions() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    peer.learn()
    peer.request("BYE")
    network.run(10)
    assert peer.statuses == [200, 200]
    assert station.handlers[0].events == ["ended completed"]
    assert not station.agent.calls


def test_hanging_up_before_the_ack_ends_the_call_at_once_and_waits_with_the_bye() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].hang_up(Outcome.LEFT)
    assert station.handlers[0].events == ["ended left"]
    network.run(0.3)
    assert peer.methods == []
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    assert peer.methods == ["BYE"]
    assert 'text="Left by the keypad"' in (peer.requests[0].headers.get("Reason") or "")


def test_hanging_up_ends_the_call_even_if_the_far_side_never_answers() -> None:
    network, station, peer = established()
    station.calls[0].hang_up()
    assert station.handlers[0].events == ["confirmed", "ended completed"]
    network.run(33)
    assert peer.methods.count("BYE") == 11
    assert not station.agent.calls
    assert station.agent.dialogs == 0


def test_two_byes_that_cross_are_both_answered() -> None:
    network, station, peer = established()
    station.calls[0].hang_up()
    peer.request("BYE")
    network.run(0.1)
    assert peer.statuses == [200, 200]
    peer.answer(peer.requests[0], 481)
    network.run(0.1)
    assert station.handlers[0].events == ["confirmed", "ended completed"]
    assert not station.agent.calls


@pytest.mark.parametrize(
    ("outcome", "status", "retry_after"),
    [
        (Outcome.NOT_FOUND, 404, None),
        (Outcome.ROOM_FULL, 486, None),
        (Outcome.NO_CODEC, 488, None),
        (Outcome.UNAVAILABLE, 503, "10"),
    ],
)
def test_a_refusal_says_why(outcome: Outcome, status: int, retry_after: str | None) -> None:
    network, station, peer = scene(lambda call: call.refuse(outcome))
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [status]
    assert peer.responses[0].headers.get("Retry-After") == retry_after
    assert "Reason" in peer.responses[0].headers
    assert station.handlers[0].events == [f"ended {outcome.label}"]
    assert not station.agent.calls


def test_a_refused_offer_is_told_what_does_not_fit() -> None:
    because = NotAcceptable("no codec in common", Mismatch.FORMAT)
    network, _, peer = scene(lambda call: call.refuse(because.outcome, because=because))
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [488]
    assert peer.responses[0].headers.get("Warning") == '305 192.0.2.10:5060 "no codec in common"'


def test_a_refusal_may_name_its_own_retry_after() -> None:
    network, _, peer = scene(lambda call: call.refuse(Outcome.OVERLOADED, retry_after=77))
    peer.invite()
    network.run(0.1)
    assert peer.responses[0].headers.get("Retry-After") == "77"


def test_hanging_up_a_call_that_rings_refuses_it() -> None:
    network, station, peer = scene(lambda call: call.ring())
    peer.invite()
    network.run(0.1)
    station.calls[0].hang_up(Outcome.DRAINING)
    network.run(0.1)
    assert peer.statuses == [180, 503]


def test_after_the_end_whatever_the_owner_asks_does_nothing() -> None:
    network, station, peer = established()
    peer.request("BYE")
    network.run(0.1)
    (call,) = station.calls
    call.ring()
    call.answer(description())
    call.refuse(Outcome.INTERNAL)
    call.reoffer(description())
    call.hang_up()
    network.run(1)
    assert peer.statuses == [200, 200]
    assert peer.methods == []
    assert station.handlers[0].events == ["confirmed", "ended completed"]


def test_answering_twice_is_a_mistake_of_the_owner() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    with pytest.raises(IllegalCall):
        station.calls[0].answer(description())


def test_requests_in_the_dialog_go_by_the_route_to_the_contact() -> None:
    network, station, peer = scene()
    proxy = Peer(network, host="192.0.2.50")
    peer.invite(headers=[("Record-Route", "<sip:192.0.2.50;lr>")])
    network.run(0.1)
    assert peer.learn().headers.get("Record-Route") == "<sip:192.0.2.50;lr>"
    peer.request("ACK", cseq=1)
    network.run(0.1)
    station.calls[0].hang_up()
    network.run(0.1)
    (bye,) = proxy.requests
    assert str(bye.uri) == "sip:caller@192.0.2.99:5060"
    assert bye.headers.get_all("Route") == ["<sip:192.0.2.50;lr>"]


def test_a_caller_behind_nat_gets_the_bye_where_its_invite_came_from() -> None:
    network, station, _peer = scene()
    via = "SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bKnat"
    invite = (
        f"INVITE sip:meet@192.0.2.10 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@b>;tag=a\r\nTo: <sip:meet@b>\r\n"
        "Call-ID: nat\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.5>\r\nMax-Forwards: 70\r\n\r\n"
    )
    nat = Peer(network, host="198.51.100.7", port=33_333)
    nat.send_raw(invite.encode())
    network.run(0.1)
    ok = nat.responses[0]
    assert ok.via.parameters["received"] == "198.51.100.7"
    assert ok.via.parameters["rport"] == "33333"
    station.calls[0].hang_up()
    network.run(33)
    assert nat.methods[0] == "BYE"
    assert str(nat.requests[0].uri) == "sip:a@10.0.0.5"


def test_over_tcp_the_connection_is_kept_for_the_call_and_used_for_the_bye() -> None:
    network, station, peer = established("tcp")
    (path,) = station.transports[0].paths.values()
    assert path.held == 1
    station.calls[0].hang_up()
    network.run(0.1)
    assert peer.methods == ["BYE"]
    peer.answer(peer.requests[0], 200)
    network.run(0.1)
    assert path.held == 0


def test_a_new_connection_of_the_caller_takes_over() -> None:
    network, station, peer = established("tcp")
    moved = Peer(network, host="192.0.2.99", port=6000, kind="tcp")
    moved.to, moved.cseq = peer.to, peer.cseq
    moved.request("OPTIONS")
    network.run(0.1)
    assert [path.held for path in station.transports[0].paths.values()] == [0, 1]
    station.calls[0].hang_up()
    network.run(0.1)
    assert moved.methods == ["BYE"]


def test_a_caller_that_waits_no_longer_than_expires_gets_487() -> None:
    network, station, peer = scene(lambda call: call.ring())
    peer.invite(headers=[("Expires", "3")])
    network.run(2.9)
    assert peer.statuses == [180]
    network.run(0.2)
    assert peer.statuses[-1] == 487
    assert station.handlers[0].events == ["ended cancelled"]


def test_expires_is_forgotten_once_the_call_is_answered() -> None:
    network, station, peer = scene()
    peer.invite(headers=[("Expires", "3")])
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(10)
    assert station.calls[0].state is CallState.CONFIRMED


@pytest.mark.parametrize(
    ("via", "back"),
    [("10.0.0.5", True), ("10.0.0.5;rport", True), ("phone.local;rport", True), ("phone.local", False)],
)
def test_a_via_that_has_a_name_proves_no_nat_unless_it_asks_for_rport(via: str, back: bool) -> None:
    network, station, contact = scene()
    caller = Peer(network, host="198.51.100.7")
    caller.invite(contact="<sip:caller@192.0.2.99>", via=via)
    network.run(0.1)
    station.calls[0].hang_up()
    network.run(33)
    assert ("BYE" in caller.methods, "BYE" in contact.methods) == (back, not back)


def test_hanging_up_before_an_ack_that_never_comes_says_bye_in_the_end() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].hang_up()
    network.run(32)
    assert peer.methods[0] == "BYE"
    assert station.handlers[0].events == ["ended completed"]
    peer.answer(peer.requests[0], 481)
    network.run(0.1)
    assert not station.agent.calls


def test_their_bye_while_ours_waits_for_the_ack_is_enough() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].hang_up()
    peer.learn()
    peer.request("BYE")
    network.run(40)
    assert peer.methods == []
    assert peer.statuses[-1] == 200
    assert station.handlers[0].events == ["ended completed"]
    assert not station.agent.calls


@pytest.mark.parametrize("value", ["x", "", "12345678901234567890", "-1"])
def test_an_expires_that_makes_no_sense_is_refused_before_anything_is_kept(value: str) -> None:
    network, station, peer = scene()
    peer.invite(headers=[("Expires", value)])
    network.run(0.1)
    assert peer.statuses == [400]
    assert station.agent.counters.internal_errors == 0
    assert (station.agent.dialogs, len(station.calls)) == (0, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "224.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("header", ["Contact", "Record-Route"])
def test_nothing_goes_to_a_contact_or_route_that_is_no_real_host(host: str, header: str) -> None:
    network, station, peer = scene()
    victim = Peer(network, host)
    route = [("Record-Route", f"<sip:{host};lr>")] if header == "Record-Route" else []
    peer.invite(headers=route, contact=f"<sip:caller@{host}>" if not route else None)
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    station.calls[0].hang_up()
    network.run(1)
    assert victim.got == []
    assert not station.agent.calls
