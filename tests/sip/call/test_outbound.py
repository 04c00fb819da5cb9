import pytest

from config.outcome import Outcome
from sip.auth import DigestClient
from sip.call import CallState, OutboundCall
from sip.headers import Address
from sip.uri import Uri
from tests.sip.network import SDP, Handler, Network, Peer, Station, description

ANSWER = (SDP % 35_000).decode()
CALLER = Address(Uri.parse("sip:passerelle@example.org"), "Passerelle")


def dialled(
    target: str = "sip:far@192.0.2.99", *, auth: bool = False, kinds: tuple[str, ...] = ("udp",)
) -> tuple[Network, Station, Peer, OutboundCall, Handler]:
    network = Network()
    station, peer, handler = Station(network, kinds=kinds), Peer(network), Handler()
    client = DigestClient("user", "secret", new_nonce=lambda: "nonce") if auth else None
    call = station.agent.dial(
        Uri.parse(target), caller=CALLER, sdp=description(50_000), handler=handler, auth=client
    )
    network.run(0.1)
    return network, station, peer, call, handler


def test_a_call_of_ours_is_answered_acknowledged_and_ended() -> None:
    network, station, peer, call, handler = dialled()
    (invite,) = peer.requests
    assert str(invite.uri) == "sip:far@192.0.2.99"
    assert invite.from_.tag
    assert invite.to.tag is None
    assert invite.headers.get("Contact") == "<sip:192.0.2.10:5060>"
    assert b"m=audio 50000 " in invite.body
    peer.answer(invite, 180)
    network.run(0.1)
    assert call.state is CallState.RINGING_FAR
    peer.answer(invite, 200, body=ANSWER, Contact="<sip:phone@192.0.2.99>")
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert str(peer.requests[1].uri) == "sip:phone@192.0.2.99"
    assert handler.events == ["answered"]
    assert (call.source.host, call.local_host, call.status) == ("192.0.2.99", "192.0.2.10", 200)
    call.hang_up()
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "BYE"]
    peer.answer(peer.requests[2], 200)
    network.run(0.1)
    assert handler.events == ["answered", "ended completed"]
    assert not station.agent.calls


def test_a_repeated_200_gets_its_ack_again() -> None:
    network, _, peer, _, handler = dialled()
    for _ in range(3):
        peer.answer(peer.requests[0], 200, body=ANSWER)
        network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "ACK", "ACK"]
    assert handler.events == ["answered"]


def test_the_far_side_can_hang_up() -> None:
    network, _, peer, _, handler = dialled()
    invite = peer.requests[0]
    peer.answer(invite, 200, body=ANSWER)
    network.run(0.1)
    bye = peer.request("BYE", to=str(invite.from_))
    bye.headers.set("Call-ID", invite.call_id)
    bye.headers.set("From", "<sip:far@192.0.2.99>;tag=far")
    bye.headers.set("Via", "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKbye")
    peer.send_raw(bye.to_bytes())
    network.run(0.1)
    assert handler.events == ["answered", "ended completed"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.TRANSPORT),
        (404, Outcome.NOT_FOUND),
        (408, Outcome.NO_ANSWER),
        (480, Outcome.NO_ANSWER),
        (486, Outcome.BUSY),
        (488, Outcome.NO_CODEC),
        (503, Outcome.TRANSPORT),
        (600, Outcome.BUSY),
        (603, Outcome.DECLINED),
    ],
)
def test_a_refusal_ends_the_call_and_a_redirection_is_not_followed(status: int, outcome: Outcome) -> None:
    network, station, peer, call, handler = dialled()
    peer.answer(peer.requests[0], status, Contact="<sip:elsewhere@192.0.2.99>")
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert handler.outcome is outcome
    assert call.status == status
    assert not station.agent.calls


def test_nobody_answers_at_all() -> None:
    network, station, peer, call, handler = dialled()
    network.run(32.1)
    assert peer.methods == ["INVITE"] * 7
    assert handler.outcome is Outcome.TRANSPORT
    assert call.status == 408
    assert not station.agent.calls


def test_hanging_up_cancels_once_somebody_has_answered() -> None:
    network, station, peer, call, handler = dialled()
    call.hang_up()
    network.run(0.1)
    assert handler.events == ["ended completed"]
    assert peer.methods == ["INVITE"]
    peer.answer(peer.requests[0], 100)
    network.run(0.1)
    assert peer.methods == ["INVITE", "CANCEL"]
    cancel = peer.requests[1]
    assert cancel.via.branch == peer.requests[0].via.branch
    peer.answer(cancel, 200)
    peer.answer(peer.requests[0], 487)
    network.run(0.1)
    assert peer.methods == ["INVITE", "CANCEL", "ACK"]
    assert handler.events == ["ended completed"]
    assert not station.agent.calls


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    network, station, peer, call, handler = dialled()
    peer.answer(peer.requests[0], 180)
    network.run(0.1)
    call.hang_up()
    peer.answer(peer.requests[0], 200, body=ANSWER)
    network.run(0.1)
    assert peer.methods == ["INVITE", "CANCEL", "ACK", "BYE"]
    peer.answer(peer.requests[3], 200)
    network.run(0.1)
    assert handler.events == ["ended completed"]
    assert not station.agent.calls


def test_a_cancel_that_leads_to_nothing_is_forgotten_after_64_t1() -> None:
    network, station, peer, call, _ = dialled()
    peer.answer(peer.requests[0], 180)
    network.run(0.1)
    call.hang_up()
    network.run(70)
    assert not station.agent.calls
    assert station.agent.transactions == 0


def test_a_phone_that_rings_for_ever_is_cancelled() -> None:
    network, _, peer, _, handler = dialled()
    peer.answer(peer.requests[0], 180)
    network.run(181, step=0.5)
    assert peer.methods[1] == "CANCEL"
    assert handler.outcome is Outcome.NO_ANSWER


def test_a_second_phone_that_answers_gets_ack_and_bye() -> None:
    network, _station, peer, call, handler = dialled()
    invite = peer.requests[0]
    peer.answer(invite, 200, body=ANSWER, Contact="<sip:one@192.0.2.99>")
    network.run(0.1)
    peer.dialog = "second"
    peer.answer(invite, 200, body=ANSWER, Contact="<sip:two@192.0.2.99>")
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "ACK", "BYE"]
    assert [str(request.uri) for request in peer.requests[2:]] == ["sip:two@192.0.2.99"] * 2
    assert peer.requests[3].to.tag == "second"
    assert handler.events == ["answered"]
    assert call.state is CallState.CONFIRMED


@pytest.mark.parametrize("body", ["", "v=1\r\n"])
def test_a_200_without_a_usable_answer_is_acknowledged_and_ended(body: str) -> None:
    network, _, peer, _, handler = dialled()
    peer.answer(peer.requests[0], 200, body=body)
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "BYE"]
    assert handler.events == ["ended no_codec"]


def test_a_challenge_is_answered_with_the_next_cseq_and_the_ack_has_the_credentials() -> None:
    network, _, peer, _, handler = dialled(auth=True)
    challenge = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
    peer.answer(peer.requests[0], 407, Proxy_Authenticate=challenge)
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "INVITE"]
    again = peer.requests[2]
    assert again.cseq.number == peer.requests[0].cseq.number + 1
    assert again.via.branch != peer.requests[0].via.branch
    credentials = again.headers.get("Proxy-Authorization") or ""
    assert 'username="user"' in credentials
    peer.answer(again, 200, body=ANSWER)
    network.run(0.1)
    ack = peer.requests[3]
    assert ack.method == "ACK"
    assert ack.cseq.number == again.cseq.number
    assert ack.headers.get("Proxy-Authorization") == credentials
    assert handler.events == ["answered"]


def test_a_wrong_password_is_tried_once() -> None:
    network, _, peer, call, handler = dialled(auth=True)
    for nonce in "ab":
        peer.answer(peer.requests[-1], 401, WWW_Authenticate=f'Digest realm="r", nonce="{nonce}"')
        network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "INVITE", "ACK"]
    assert call.status == 401
    assert handler.outcome is Outcome.TRANSPORT


def test_without_credentials_a_challenge_is_a_refusal() -> None:
    network, _, peer, call, _ = dialled()
    peer.answer(peer.requests[0], 401, WWW_Authenticate='Digest realm="r", nonce="n"')
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK"]
    assert call.status == 401


def test_our_bye_is_challenged_too() -> None:
    network, station, peer, call, _ = dialled(auth=True)
    peer.answer(peer.requests[0], 200, body=ANSWER)
    network.run(0.1)
    call.hang_up()
    network.run(0.1)
    peer.answer(peer.requests[-1], 401, WWW_Authenticate='Digest realm="r", nonce="n"')
    network.run(0.1)
    assert peer.methods == ["INVITE", "ACK", "BYE", "BYE"]
    assert peer.requests[3].cseq.number == peer.requests[2].cseq.number + 1
    assert "Authorization" in peer.requests[3].headers
    peer.answer(peer.requests[3], 200)
    network.run(0.1)
    assert not station.agent.calls


def test_a_target_that_no_transport_reaches_ends_the_call_at_once() -> None:
    for target in ("sip:far@192.0.2.99;transport=tls", "sip:far@[2001:db8::1]"):
        _, station, _, call, handler = dialled(target)
        assert handler.outcome is Outcome.TRANSPORT
        assert call.status == 503
        assert not station.agent.calls


def test_glare_who_made_the_call_waits_longer() -> None:
    network, _, peer, call, _ = dialled()
    peer.answer(peer.requests[0], 200, body=ANSWER)
    network.run(0.1)
    call.reoffer(description(51_000))
    network.run(0.1)
    peer.answer(peer.requests[2], 491)
    network.run(2.0)
    assert peer.distinct == ["INVITE", "ACK", "INVITE", "ACK"]
    network.run(2.2)
    assert peer.distinct == ["INVITE", "ACK", "INVITE", "ACK", "INVITE"]


@pytest.mark.parametrize("status", [200, 404])
def test_a_request_of_ours_holds_its_connection_until_it_is_answered(status: int) -> None:
    network = Network()
    station, peer = Station(network, kinds=("tcp",)), Peer(network, kind="tcp")
    station.agent.dial(
        Uri.parse("sip:callee@192.0.2.99;transport=tcp"),
        caller=Address(Uri.parse("sip:meet@192.0.2.10")),
        sdp=description(),
        handler=Handler(),
    )
    network.run(0.1)
    (path,) = station.transports[0].paths.values()
    assert path.held == 1
    peer.answer(peer.requests[0], status, body=(SDP % 1).decode())
    network.run(0.1)
    assert path.held == (1 if status == 200 else 0)  # by the call, from now on
    station.agent.hang_up_all(Outcome.COMPLETED)
    network.run(70)
    assert path.held == 0
