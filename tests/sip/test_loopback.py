"""Two user agents call each other over real sockets."""

import asyncio
import random
from typing import Any

import pytest

from sip.call import Call
from sip.headers import Address
from sip.transport import Transport
from sip.transport.tcp import TcpTransport
from sip.transport.udp import UdpTransport
from sip.uri import Uri
from sip.user_agent import UserAgent
from tests.sip.network import Handler, description
from tests.sip.transport.loop import run, until


def agent(reactor: Any, calls: list[Call], host: str = "127.0.0.1", *, tcp: bool = True) -> UserAgent:
    def on_call(call: Call) -> None:
        call.handler = Handler()
        calls.append(call)
        call.answer(description())

    transports: list[Transport] = [UdpTransport(reactor, host, 0)]
    if tcp:
        transports.append(TcpTransport(reactor, host, 0))
    return UserAgent(
        transports,
        call_later=reactor.callLater,
        clock=asyncio.get_running_loop().time,
        random=random.SystemRandom(),
        on_call=on_call,
    )


def port_of(agent: UserAgent, kind: str) -> int:
    return next(transport.address.port for transport in agent.transports if transport.kind == kind)


def dial(caller: UserAgent, target: str, subject: str = "") -> Handler:
    handler = Handler()
    sdp = description(20_000)
    sdp.name = subject or "-"
    caller.dial(Uri.parse(target), caller=Address(Uri.parse("sip:a@example.org")), sdp=sdp, handler=handler)
    return handler


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_call_from_its_first_to_its_last_message(kind: str, host: str, who: str) -> None:
    async def scenario(reactor: Any) -> None:
        answered: list[Call] = []
        callee, caller = agent(reactor, answered, host), agent(reactor, [], host)
        await callee.start()
        await caller.start()
        written = f"[{host}]" if ":" in host else host
        handler = dial(caller, f"sip:meet@{written}:{port_of(callee, kind)};transport={kind}")
        await until(lambda: answered and answered[0].handler.events == ["confirmed"])  # type: ignore[attr-defined]
        assert handler.events == ["answered"]
        assert answered[0].source.transport == kind
        assert answered[0].local_host == host
        (caller.calls[next(iter(caller.calls))] if who == "caller" else answered[0]).hang_up()
        await asyncio.gather(caller.drained(), callee.drained())
        assert handler.events == ["answered", "ended completed"]
        await caller.stop()
        await callee.stop()

    run(scenario)


async def on_one_port(reactor: Any, answered: list[Call]) -> tuple[UserAgent, TcpTransport]:
    """A callee by UDP, and a listener of its by TCP: a port free for the one may be taken for the other."""
    while True:
        callee = agent(reactor, answered, tcp=False)
        await callee.start()
        extra = TcpTransport(reactor, "127.0.0.1", port_of(callee, "udp"))
        try:
            extra.start(callee)
        except OSError:
            await callee.stop()
        else:
            return callee, extra


@pytest.mark.parametrize(("tcp", "kind"), [(True, "tcp"), (False, "udp")])
def test_a_large_request_goes_by_tcp_and_falls_back_to_udp(tcp: bool, kind: str) -> None:
    async def scenario(reactor: Any) -> None:
        answered: list[Call] = []
        caller = agent(reactor, [])
        await caller.start()
        callee, extra = await on_one_port(reactor, answered)
        if not tcp:
            await extra.stop()
        port = port_of(callee, "udp")
        dial(caller, f"sip:meet@127.0.0.1:{port}", subject="x" * 1_300)
        await until(lambda: answered)
        assert answered[0].source.transport == kind
        await extra.stop()
        await caller.stop()
        await callee.stop()

    run(scenario)


def test_an_address_in_use_leaves_no_listener_behind() -> None:
    async def scenario(reactor: Any) -> None:
        first = agent(reactor, [])
        await first.start()
        second = agent(reactor, [])
        second.transports = (
            UdpTransport(reactor, "127.0.0.1", 0),
            UdpTransport(reactor, "127.0.0.1", port_of(first, "udp")),
        )
        with pytest.raises(OSError, match="cannot be bound"):
            await second.start()
        free = UdpTransport(reactor, "127.0.0.1", second.transports[0].address.port)
        free.start(second)
        await free.stop()
        await first.stop()

    run(scenario)
