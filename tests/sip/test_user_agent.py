import asyncio
from random import Random

import pytest

from config.outcome import Outcome
from sip.call import Call, CallState
from sip.guard import Guard
from sip.headers import Address
from sip.uri import Uri
from sip.user_agent import Refusal
from tests.sip.network import SDP, Handler, Network, Peer, Station, description
from tests.sip.test_torture import VERDICTS, read


def scene() -> tuple[Network, Station, Peer]:
    network = Network()
    return network, Station(network), Peer(network)


def test_options_tells_what_we_can_do() -> None:
    network, _, peer = scene()
    peer.request("OPTIONS")
    network.run(0.1)
    assert peer.statuses == [200]
    ok = peer.responses[0]
    assert ok.headers.get_list("Allow") == ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE"]
    assert "application/sdp" in (ok.headers.get("Accept") or "")
    assert "Supported" in ok.headers
    assert ok.to.tag


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "BYE", "NONSENSE"])
def test_what_is_no_call_is_answered_alike_each_time_and_not_kept(method: str) -> None:
    network, station, peer = scene()
    request = peer.request(method)
    peer.send_raw(request.to_bytes())
    network.run(0.1)
    first, second = peer.responses
    assert first == second  # the tag of its To included
    assert first.to.tag
    assert station.agent.transactions == 0


def test_a_flood_of_refused_invites_is_not_kept() -> None:
    network = Network()
    station, peer = Station(network, most_transactions=10), Peer(network)
    station.admission = lambda: Refusal(Outcome.OVERLOADED)
    for _ in range(30):
        peer.invite()
    network.run(0.1)
    assert peer.statuses == [503] * 30
    assert station.agent.transactions == 10


def test_with_the_door_closed_calls_and_options_get_503_and_running_calls_go_on() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    peer.learn()
    station.agent.close_door(Refusal(Outcome.DRAINING, retry_after=30))
    other = Peer(network, host="192.0.2.98")
    other.request("OPTIONS")
    other.invite()
    network.run(0.1)
    assert other.statuses == [503, 503]
    assert other.responses[0].headers.get("Retry-After") == "30"
    peer.request("ACK", cseq=1)
    network.run(0.1)
    assert station.calls[0].state is CallState.CONFIRMED


def test_a_call_that_is_not_admitted_is_refused_and_never_seen() -> None:
    network, station, peer = scene()
    station.admission = lambda: Refusal(Outcome.SOURCE_LIMIT)
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [486]
    assert station.calls == []
    assert station.ended == []
    assert station.agent.counters.refused == {Outcome.SOURCE_LIMIT: 1}


def test_an_offer_that_is_not_understood_is_refused_before_it_is_admitted() -> None:
    network, station, peer = scene()
    asked: list[bool] = []
    station.admission = lambda: asked.append(True)
    peer.invite(body=b"v=1\r\n")
    peer.invite(body=b"x", headers=[("Content-Type", "multipart/mixed;boundary=y")])
    network.run(0.1)
    assert peer.statuses == [400, 415]
    assert asked == []


def test_a_request_that_comes_by_two_ways_is_answered_482_the_second_time() -> None:
    network, station, peer = scene()
    peer.invite()
    peer.invite(cseq=1)
    network.run(0.1)
    assert sorted(peer.statuses) == [200, 482]
    assert len(station.calls) == 1


def test_a_repeated_invite_makes_no_second_call() -> None:
    network, station, peer = scene()
    station.on_call = lambda call: call.ring()
    invite = peer.invite()
    network.run(0.1)
    peer.send_raw(invite.to_bytes())
    network.run(0.1)
    assert peer.statuses == [180, 180]
    assert len(station.calls) == 1
    assert station.agent.counters.repetitions == 1


def test_a_caller_of_rfc_2543_without_branch_and_tags_can_call() -> None:
    network, station, peer = scene()
    head = "Via: SIP/2.0/UDP 192.0.2.99\r\nFrom: <sip:old@b>\r\nCall-ID: old\r\nMax-Forwards: 70\r\n"
    invite = f"INVITE sip:meet@192.0.2.10 SIP/2.0\r\n{head}To: <sip:meet@b>\r\nCSeq: 1 INVITE\r\n"
    body = (SDP % 1000).decode()
    invite += f"Contact: <sip:old@192.0.2.99>\r\nContent-Type: application/sdp\r\n\r\n{body}"
    peer.send_raw(invite.encode())
    network.run(0.1)
    to = peer.responses[0].headers.get("To")
    ack = f"ACK sip:192.0.2.10 SIP/2.0\r\n{head}To: {to}\r\nCSeq: 1 ACK\r\n\r\n"
    peer.send_raw(ack.encode())
    network.run(1)
    assert station.handlers[0].events == ["confirmed"]
    bye = f"BYE sip:192.0.2.10 SIP/2.0\r\n{head}To: {to}\r\nCSeq: 2 BYE\r\n\r\n"
    peer.send_raw(bye.encode())
    network.run(0.1)
    assert station.handlers[0].events == ["confirmed", "ended completed"]


@pytest.mark.parametrize(
    ("method", "status"), [("REGISTER", 405), ("REFER", 405), ("PRACK", 405), ("MESSAGE", 405), ("FOO", 501)]
)
def test_what_we_do_not_speak_is_refused_by_its_name(method: str, status: int) -> None:
    network, _, peer = scene()
    peer.request(method)
    network.run(0.1)
    assert peer.statuses == [status]
    assert "INVITE" in peer.responses[0].headers.get_list("Allow")


def test_a_bye_update_or_info_outside_a_dialog_gets_481() -> None:
    network, _, peer = scene()
    for method in ("BYE", "INFO", "UPDATE"):
        peer.request(method)
    network.run(0.1)
    assert peer.statuses == [481, 481, 481]


@pytest.mark.parametrize(("name", "verdict"), VERDICTS.items(), ids=VERDICTS.keys())
def test_torture(name: str, verdict: int | str) -> None:
    network, station, peer = scene()
    peer.send_raw(read(name))
    network.run(0.1)
    sent = [line.split()[1] for line in network.sent_by("192.0.2.10")]
    if isinstance(verdict, int):
        assert sent == [str(verdict)]
    elif verdict == "dropped" or read(name).startswith(b"SIP/2.0"):
        assert sent == []
    else:
        assert sent in (["200"], ["481"], ["400"], ["415"])
    assert station.agent.counters.internal_errors == 0
    peer.request("OPTIONS", headers=[("Call-Info", name)])
    network.run(0.1)
    assert peer.statuses[-1] == 200


@pytest.mark.parametrize(
    "data", [b"\0" * 4, b"\r\n\r\n", b"hello", b"\xff" * 2000, b"SIP/2.0 200 OK\r\n\r\n"]
)
def test_noise_is_dropped_and_hurts_nobody(data: bytes) -> None:
    network, station, peer = scene()
    peer.send_raw(data)
    network.run(0.1)
    assert network.sent_by("192.0.2.10") == []
    assert station.agent.counters.internal_errors == 0


def test_noise_drawn_by_lot_is_never_an_internal_error() -> None:
    network, station, peer = scene()
    random = Random(4)
    names = sorted(VERDICTS)
    for _ in range(300):
        data = bytearray(read(random.choice(names)))
        for _ in range(random.randint(1, 8)):
            data[random.randrange(len(data))] = random.randrange(256)
        peer.send_raw(bytes(data))
    network.run(0.1)
    assert station.agent.counters.internal_errors == 0


def test_a_broken_request_is_answered_with_the_same_tag_each_time() -> None:
    network, station, peer = scene()
    broken = (
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx\r\nTo: <sip:a@b>\r\n\r\n"
    )
    for _ in range(2):
        peer.send_raw(broken)
    network.run(0.1)
    assert peer.statuses == [400, 400]
    assert station.agent.counters.parse_errors == 2
    assert len({response.headers.get("To") for response in peer.responses}) == 1


def test_a_flood_is_dropped_before_it_is_parsed() -> None:
    network, station, peer = scene()
    station.agent.guard = Guard(rate=1, burst=5)
    for _ in range(20):
        peer.send_raw(b"garbage that is not parsed")
    network.run(0.1)
    assert station.agent.counters.parse_errors == 5


def test_a_handler_that_fails_costs_its_own_call_and_no_other() -> None:
    network, station, peer = scene()

    def explode(call: Call) -> None:
        raise RuntimeError("a bug")

    station.on_call = explode
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [500]
    assert station.handlers[0].events == ["ended internal"]
    assert not station.agent.calls
    station.on_call = lambda call: call.answer(description())
    other = Peer(network, host="192.0.2.98")
    other.invite()
    network.run(0.1)
    assert other.statuses == [200]
    assert station.agent.counters.internal_errors == 1


class Fragile(Handler):
    def confirmed(self, answer: object) -> None:
        raise RuntimeError("a bug")

    def info(self, content_type: str, body: bytes) -> bool:
        raise RuntimeError("a bug")


def test_a_failure_while_a_request_is_handled_is_answered_500_and_ends_the_call() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].handler = handler = Fragile()
    peer.learn()
    peer.request("INFO", body=b"x", headers=[("Content-Type", "text/plain")])
    network.run(0.1)
    assert peer.statuses == [200, 500]
    assert handler.events == ["ended internal"]


def test_a_failure_while_an_ack_is_handled_ends_the_call_with_bye() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    station.calls[0].handler = handler = Fragile()
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    assert peer.methods == ["BYE"]
    assert handler.events == ["ended internal"]


@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize("seed", range(6))
def test_two_agents_get_a_call_through_loss_repetition_and_reordering(seed: int, kind: str) -> None:
    random = Random(seed)

    def fate(data: bytes) -> list[float]:
        copies = random.choices((0, 1, 2), (3, 6, 1))[0] if kind == "udp" else 1
        return [random.uniform(0.005, 0.4 if kind == "udp" else 0.01) for _ in range(copies)]

    network = Network(fate=fate)
    callee = Station(network, host="192.0.2.10", kinds=(kind,))
    caller = Station(network, host="192.0.2.20", kinds=(kind,))
    handler = Handler()
    call = caller.agent.dial(
        Uri.parse(f"sip:meet@192.0.2.10;transport={kind}"),
        caller=Address(Uri.parse("sip:a@192.0.2.20")),
        sdp=description(20_000),
        handler=handler,
    )
    network.run(20)
    assert handler.events == ["answered"]
    assert callee.handlers[0].events == ["confirmed"]
    call.reoffer(description(20_002))
    network.run(20)
    assert callee.handlers[0].events == ["confirmed", "offered"]
    assert handler.events == ["answered", "answered"]
    callee.calls[0].hang_up()
    network.run(100)
    assert handler.events[-1] == "ended completed"
    assert callee.handlers[0].events[-1] == "ended completed"
    for station in (caller, callee):
        assert not station.agent.calls
        assert station.agent.dialogs == station.agent.transactions == 0
        assert station.agent.counters.internal_errors == 0


def test_hang_up_all_says_bye_to_everyone_and_drained_waits_for_the_answers() -> None:
    network, station, _peer = scene()

    async def scenario() -> None:
        for number in range(3):
            caller = Peer(network, host=f"192.0.2.{90 + number}")
            caller.invite(headers=[("Subject", str(number))])
            network.run(0.1)
            caller.learn()
            caller.request("ACK", cseq=1)
        network.run(0.1)
        assert len(station.agent.calls) == 3
        drained = asyncio.create_task(station.agent.drained())
        station.agent.hang_up_all(Outcome.DRAINING)
        await asyncio.sleep(0)
        assert not drained.done()
        network.run(33)
        await asyncio.wait_for(drained, 30)
        await station.agent.stop()

    asyncio.run(scenario())
    assert station.ended == [Outcome.DRAINING] * 3
    assert not station.agent.calls


def test_the_reactor_holds_one_timer_however_many_calls_there_are() -> None:
    network, station, _ = scene()
    for number in range(50):
        caller = Peer(network, host=f"198.51.100.{number}")
        caller.invite()
    network.run(0.02)
    assert len(station.agent.calls) == 50
    waiting = [call for call in network.clock.getDelayedCalls() if "_tick" in repr(call)]
    assert len(waiting) == 1


def test_after_stop_no_timer_is_left() -> None:
    network, station, peer = scene()
    peer.invite()
    network.run(0.1)
    asyncio.run(station.agent.stop())
    station.agent.hang_up_all(Outcome.DRAINING)
    network.run(1)
    assert network.clock.getDelayedCalls() == []


def test_an_owner_that_fails_at_the_end_leaks_no_call_and_the_bye_is_sent() -> None:
    network, station, peer = scene()

    class Last(Handler):
        def ended(self, outcome: Outcome) -> None:
            raise RuntimeError("a bug")

    peer.invite()
    network.run(0.1)
    station.calls[0].handler = Last()
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    station.calls[0].hang_up()
    network.run(0.1)
    assert peer.methods == ["BYE"]
    peer.answer(peer.requests[0], 200)
    network.run(0.1)
    assert not station.agent.calls
    assert station.ended == [Outcome.COMPLETED]


def test_an_admission_that_fails_is_answered_500() -> None:
    network, station, peer = scene()

    def explode() -> Refusal:
        raise RuntimeError("a bug")

    station.admission = explode
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [500]
    assert station.calls == []


def test_an_answer_whose_connection_is_gone_goes_to_the_port_the_via_says() -> None:
    network = Network()
    station = Station(network, kinds=("tcp",))
    station.on_call = lambda call: None
    connection = Peer(network, port=40_000, kind="tcp")
    listener = Peer(network, port=5060, kind="tcp")
    connection.invite(via="192.0.2.99:5060;rport")
    network.run(0.1)
    (path,) = station.transports[0].paths.values()
    path.usable = False
    station.calls[0].answer(description())
    network.run(0.1)
    assert 200 not in connection.statuses
    assert listener.statuses == [200]


def test_the_timer_is_not_moved_for_a_deadline_that_is_no_nearer() -> None:
    network, station, peer = scene()
    station.admission = lambda: Refusal(Outcome.SOURCE_LIMIT)
    for _ in range(20):
        peer.invite()
    network.run(0.1)
    assert station.agent.transactions == 20
    assert len(network.timers) == 1


class BrokenRandom(Random):
    """Fails when a call is made."""

    broken = False

    def getrandbits(self, k: int, /) -> int:
        if self.broken:
            raise RuntimeError("no randomness")
        return super().getrandbits(k)


def test_a_call_that_cannot_be_made_gives_back_what_it_was_admitted_to() -> None:
    network, random = Network(), BrokenRandom(1)
    station, peer = Station(network, random=random), Peer(network)
    random.broken = True
    peer.invite()
    network.run(0.1)
    assert peer.statuses == [500]
    assert station.ended == [Outcome.INTERNAL]
    assert (station.agent.dialogs, len(station.agent.calls)) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "body", "outcome"),
    [
        ([("Expires", "x")], SDP % 30_000, Outcome.BAD_REQUEST),
        ([("Require", "unheard-of")], SDP % 30_000, Outcome.BAD_REQUEST),
        ([], b"v=1\r\n", Outcome.BAD_REQUEST),
        ([("Content-Type", "text/plain")], b"hello", Outcome.NO_CODEC),
        ([("Content-Type", "multipart/mixed;boundary=x")], b"hello", Outcome.NO_CODEC),
    ],
)
def test_calls_refused_before_anybody_is_asked_are_counted(
    fields: list[tuple[str, str]], body: bytes, outcome: Outcome
) -> None:
    network, station, peer = scene()
    peer.invite(headers=fields, body=body)
    peer.invite(headers=fields, body=body, to="<sip:meet@192.0.2.10>;tag=1")  # no new call
    peer.request("OPTIONS", headers=fields)
    network.run(0.1)
    assert station.calls == []
    assert station.agent.counters.refused == {outcome: 1}


def test_a_call_that_cannot_be_read_is_counted() -> None:
    network, station, peer = scene()
    invite = peer.invite().to_bytes()
    peer.send_raw(invite.replace(b"Content-Length: ", b"Content-Length: 9").replace(b"z9hG4bK", b"z9hG4bKx"))
    network.run(0.1)
    assert station.agent.counters.parse_errors == 1
    assert station.agent.counters.refused == {Outcome.BAD_REQUEST: 1}
