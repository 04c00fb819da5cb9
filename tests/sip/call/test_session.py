import pytest

from config.outcome import Outcome
from sip.call import CallState
from tests.sip.call.test_inbound import established, scene, waiting
from tests.sip.network import SDP, Network, Peer, Station, description


def reinvited(body: bytes = SDP % 32_000) -> tuple[Network, Station, Peer]:
    network, station, peer = established()
    peer.request("INVITE", body=body)
    network.run(0.1)
    return network, station, peer


def test_a_reinvite_changes_the_session_and_its_200_waits_for_the_ack() -> None:
    network, station, peer = reinvited()
    handler = station.handlers[0]
    assert handler.last_offer is not None
    assert handler.last_offer.medias[0].port == 32_000
    assert b"m=audio 40000 " in peer.responses[-1].body
    network.run(1)
    assert peer.statuses == [200, 200, 200]
    peer.request("ACK", cseq=2)
    network.run(10)
    assert peer.statuses == [200, 200, 200]
    assert handler.events == ["confirmed", "offered"]


def test_a_reinvite_that_cannot_be_answered_leaves_the_session_as_it_was() -> None:
    network, station, peer = established()
    station.handlers[0].acceptable = False
    peer.request("INVITE", body=SDP % 32_000, contact="<sip:elsewhere@198.51.100.1>")
    network.run(0.1)
    assert peer.statuses[-1] == 488
    assert (peer.responses[-1].headers.get("Warning") or "").startswith("399 192.0.2.10:5060 ")
    peer.request("ACK", cseq=2, branch=f"z9hG4bK{peer.branches}")
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    assert peer.methods == ["INVITE"]  # the target has not moved either


def test_a_reinvite_without_offer_gets_ours_and_the_answer_comes_in_the_ack() -> None:
    network, station, peer = reinvited(body=b"")
    assert station.handlers[0].events[-1] == "offer wanted"
    assert b"m=audio 40000 " in peer.responses[-1].body
    peer.request("ACK", cseq=2, body=SDP % 34_000)
    network.run(0.1)
    assert station.handlers[0].events[-1] == "answered"
    assert station.handlers[0].last_answer is not None
    assert station.handlers[0].last_answer.medias[0].port == 34_000


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"v=1\r\n", "application/sdp", 400),
        (b"x", "multipart/mixed;boundary=y", 415),
        (b"x", "text/plain", 415),
    ],
)
def test_a_reinvite_that_is_not_understood_changes_nothing(
    body: bytes, content_type: str, status: int
) -> None:
    network, station, peer = established()
    peer.request("INVITE", body=body, headers=[("Content-Type", content_type)])
    network.run(0.1)
    assert peer.statuses[-1] == status
    assert station.handlers[0].events == ["confirmed"]
    assert station.calls[0].state is CallState.CONFIRMED


def test_a_reinvite_without_ack_ends_the_call() -> None:
    network, station, peer = reinvited()
    network.run(32.1)
    assert peer.methods == ["BYE"]
    assert station.handlers[0].events[-1] == "ended no_ack"


def test_a_second_invite_while_one_waits_for_its_ack_gets_500_with_retry_after() -> None:
    network, station, peer = reinvited()
    peer.request("INVITE", body=SDP % 33_000)
    network.run(0.1)
    assert peer.statuses[-1] == 500
    assert 0 <= int(peer.responses[-1].headers.get("Retry-After") or "-1") <= 10
    assert station.handlers[0].events.count("offered") == 1


@pytest.mark.parametrize("body", [b"", SDP % 30_000])
def test_an_offer_before_the_first_answer_gets_500_with_retry_after(body: bytes) -> None:
    network, station, peer = scene(lambda call: call.ring())
    peer.invite(body=body)
    network.run(0.1)
    peer.learn()
    peer.request("UPDATE", body=SDP % 31_000)
    network.run(0.1)
    assert peer.statuses[-1] == 500
    assert "Retry-After" in peer.responses[-1].headers
    assert station.handlers[0].events == []


def test_an_update_changes_the_session_without_ack() -> None:
    network, station, peer = established()
    peer.request("UPDATE", body=SDP % 32_000)
    network.run(10)
    assert peer.statuses == [200, 200]
    assert b"m=audio 40000 " in peer.responses[-1].body
    assert station.handlers[0].events == ["confirmed", "offered"]


def test_an_update_without_body_only_moves_the_target() -> None:
    network, station, peer = established()
    moved = Peer(network, host="198.51.100.1")
    peer.request("UPDATE", contact="<sip:caller@198.51.100.1>")
    network.run(0.1)
    assert peer.statuses[-1] == 200
    assert station.handlers[0].events == ["confirmed"]
    station.calls[0].hang_up()
    network.run(0.1)
    assert moved.methods == ["BYE"]


def test_requests_out_of_order_get_500_and_those_of_no_dialog_481() -> None:
    network, station, peer = established()
    peer.request("INFO", cseq=1, body=b"x", headers=[("Content-Type", "text/plain")])
    network.run(0.1)
    assert peer.statuses[-1] == 500
    peer.to = "<sip:meet@192.0.2.10>;tag=unknown"
    for method in ("BYE", "INVITE", "INFO", "OPTIONS", "UPDATE"):
        peer.request(method)
    network.run(0.1)
    assert peer.statuses[-5:] == [481] * 5
    assert station.handlers[0].events == ["confirmed"]


def test_info_goes_to_the_owner_and_is_refused_when_it_does_not_know_it() -> None:
    network, station, peer = established()
    fields = [("Content-Type", "application/dtmf-relay")]
    peer.request("INFO", body=b"Signal=1\r\nDuration=100\r\n", headers=fields)
    peer.request("INFO")
    network.run(0.1)
    assert peer.statuses[-2:] == [200, 200]
    station.handlers[0].knows_info = False
    peer.request("INFO", body=b"hello", headers=[("Content-Type", "text/plain")])
    network.run(0.1)
    assert peer.statuses[-1] == 415
    assert "dtmf" in (peer.responses[-1].headers.get("Accept") or "")
    peer.request("INFO", body=b"hello", headers=[("Content-Type", "text/plain"), ("Info-Package", "foo")])
    network.run(0.1)
    assert peer.statuses[-1] == 469
    assert station.handlers[0].events == ["confirmed", "info application/dtmf-relay", "info text/plain"]


def test_options_in_the_dialog_tells_what_we_can_do() -> None:
    network, _, peer = established()
    peer.request("OPTIONS")
    network.run(0.1)
    assert peer.statuses[-1] == 200
    assert "UPDATE" in peer.responses[-1].headers.get_list("Allow")


def test_our_reinvite_is_acknowledged_and_its_answer_delivered() -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    (reinvite,) = peer.requests
    assert reinvite.method == "INVITE"
    assert b"m=audio 41000 " in reinvite.body
    peer.answer(reinvite, 200, body=(SDP % 35_000).decode(), Contact="<sip:moved@192.0.2.99>")
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert str(peer.requests[1].uri) == "sip:moved@192.0.2.99"
    assert peer.requests[1].cseq.number == reinvite.cseq.number
    assert station.handlers[0].last_answer is not None
    assert station.handlers[0].last_answer.medias[0].port == 35_000


def test_the_repeated_200_of_our_reinvite_gets_its_ack_again() -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    for _ in range(2):
        peer.answer(peer.requests[0], 200, body=(SDP % 35_000).decode())
        network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "ACK"]
    assert station.handlers[0].events == ["confirmed", "answered"]


def test_a_refused_reinvite_of_ours_leaves_the_call_standing() -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    peer.answer(peer.requests[0], 488)
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert station.calls[0].state is CallState.CONFIRMED
    station.calls[0].reoffer(description(42_000))
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "INVITE"]


@pytest.mark.parametrize("status", [481, 408])
def test_a_reinvite_of_ours_that_finds_no_dialog_ends_the_call(status: int) -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    peer.answer(peer.requests[0], status)
    network.run(0.1)
    assert station.handlers[0].outcome is Outcome.TRANSPORT
    assert peer.methods == ["INVITE", "ACK", "BYE"]


def test_glare_their_offer_gets_491_and_ours_is_made_again_within_two_seconds() -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    peer.request("INVITE", body=SDP % 36_000)
    network.run(0.1)
    assert peer.statuses[-1] == 491
    peer.answer(peer.requests[0], 491)
    network.run(2.2)
    assert peer.distinct == ["INVITE", "ACK", "INVITE"]
    assert peer.requests[-1].cseq.number == peer.requests[0].cseq.number + 1
    assert peer.requests[-1].body == peer.requests[0].body
    assert station.handlers[0].events == ["confirmed"]


def test_an_offer_of_ours_waits_until_the_ack_of_theirs() -> None:
    network, station, peer = reinvited()
    station.calls[0].reoffer(description(41_000))
    station.calls[0].reoffer(description(42_000))
    network.run(0.1)
    assert peer.methods == []
    peer.request("ACK", cseq=2)
    network.run(0.1)
    assert peer.methods == ["INVITE"]
    assert b"m=audio 42000 " in peer.requests[0].body


def test_an_offer_before_the_first_ack_waits_for_it_too() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    assert peer.methods == []
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    assert peer.methods == ["INVITE"]


def test_hanging_up_while_a_reinvite_waits_for_its_ack_sends_one_bye() -> None:
    network, station, peer = reinvited()
    station.calls[0].hang_up()
    network.run(0.1)
    peer.request("ACK", cseq=2)
    peer.answer(peer.requests[0], 200)
    network.run(40)
    assert peer.methods == ["BYE"]
    assert peer.statuses == [200, 200]
    assert not station.agent.calls


def test_the_o_line_counts_changes_only() -> None:
    network, station, peer = scene(waiting)
    peer.invite()
    network.run(0.1)
    station.calls[0].answer(description(50_000))
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1)
    station.handlers[0].answer_port = 50_000
    for cseq, port in ((2, 50_000), (3, 50_002)):
        station.handlers[0].answer_port = port
        peer.request("INVITE", body=SDP % 31_000)
        network.run(0.1)
        peer.request("ACK", cseq=cseq)
        network.run(0.1)
    origins = [response.body.split(b"\r\n")[1].split() for response in peer.responses if response.body]
    versions = [int(origin[2]) for origin in origins]
    assert len({origin[1] for origin in origins}) == 1
    assert [version - versions[0] for version in versions] == [0, 0, 1]


@pytest.mark.parametrize("body", [b"", b"v=1\r\n"])
def test_an_ack_without_a_usable_answer_leaves_the_call_standing(body: bytes) -> None:
    network, station, peer = reinvited(body=b"")
    peer.request("ACK", cseq=2, body=body)
    network.run(0.1)
    assert station.calls[0].state is CallState.CONFIRMED
    assert station.handlers[0].events == ["confirmed", "offer wanted"]
    peer.request("INVITE", cseq=3, body=SDP % 36_000)
    network.run(0.1)
    assert peer.statuses[-1] == 200
    assert station.handlers[0].events[-1] == "offered"


def test_a_200_without_an_answer_to_our_reinvite_leaves_the_call_standing() -> None:
    network, station, peer = established()
    station.calls[0].reoffer(description(41_000))
    network.run(0.1)
    peer.answer(peer.requests[0], 200)
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert station.calls[0].state is CallState.CONFIRMED
