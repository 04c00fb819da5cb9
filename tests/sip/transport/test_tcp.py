import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from sip.transport import Source
from sip.transport.stream import READ_SIZE
from sip.transport.tcp import StreamLimits, TcpTransport
from tests.sip.transport.loop import Inbox, run, until

MESSAGE = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"


@asynccontextmanager
async def listening(
    reactor: Any, host: str = "127.0.0.1", limits: StreamLimits | None = None
) -> AsyncIterator[tuple[TcpTransport, Inbox]]:
    transport, inbox = TcpTransport(reactor, host, 0, limits=limits), Inbox()
    transport.start(inbox)
    yield transport, inbox
    await transport.stop()
    await until(lambda: transport.counters.connections == 0)


async def connect(transport: TcpTransport) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(transport.address.host, transport.address.port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_messages_are_cut_out_of_the_stream_and_answered_on_it(host: str) -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, host) as (transport, inbox):
            reader, writer = await connect(transport)
            for piece in (MESSAGE[:10], MESSAGE[10:] + MESSAGE + MESSAGE[:5], MESSAGE[5:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            await until(lambda: len(inbox.messages) == 3)
            assert inbox.messages == [MESSAGE] * 3
            path = inbox.paths[0]
            assert path.peer == Source(host, writer.get_extra_info("sockname")[1], "tcp")
            assert path.reliable
            assert path.local == transport.address
            path.send(b"answer")
            assert await reader.readexactly(6) == b"answer"
            writer.close()
            await until(lambda: not path.usable)

    run(scenario)


def test_a_ping_gets_its_pong() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\r\n"
            assert transport.counters.keepalives == 1
            assert inbox.messages == []
            writer.close()

    run(scenario)


@pytest.mark.parametrize("data", [b"x" * 5_000, b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4000\r\n\r\n"])
def test_a_message_that_is_too_long_is_answered_and_the_connection_closed(data: bytes) -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, limits=StreamLimits(max_message=2_000)) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(data)
            assert (await reader.read()).startswith(b"SIP/2.0 513")
            assert len(inbox.broken) == 1
            writer.close()

    run(scenario)


@pytest.mark.parametrize("limit", ["max_connections", "max_per_host"])
def test_one_connection_too_many_is_closed_when_calls_hold_the_others(limit: str) -> None:
    async def scenario(reactor: Any) -> None:
        limits = StreamLimits(**{limit: 1})
        async with listening(reactor, limits=limits) as (transport, inbox):
            _, first = await connect(transport)
            first.write(MESSAGE)
            await until(lambda: inbox.messages)
            inbox.paths[0].hold()
            reader, second = await connect(transport)
            assert await reader.read() == b""
            assert transport.counters.connections_refused == 1
            first.write(MESSAGE)
            await until(lambda: len(inbox.messages) == 2)
            first.close()
            second.close()

    run(scenario)


@pytest.mark.parametrize("limit", ["max_connections", "max_per_host"])
def test_the_connection_without_a_message_for_longest_makes_room(limit: str) -> None:
    async def scenario(reactor: Any) -> None:
        limits = StreamLimits(**{limit: 3})
        async with listening(reactor, limits=limits) as (transport, inbox):
            held, trickling, busy = [await connect(transport) for _ in range(3)]
            for _, writer in (held, busy):
                writer.write(MESSAGE)
                await until(lambda: inbox.messages)
            await until(lambda: len(inbox.messages) == 2)
            inbox.paths[0].hold()
            trickling[1].write(MESSAGE[:20])  # not a message, however lively
            await asyncio.sleep(0.01)
            _, writer = await connect(transport)
            with suppress(ConnectionError):
                assert await trickling[0].read() == b""
            writer.write(MESSAGE)
            await until(lambda: len(inbox.messages) == 3)
            assert transport.counters.connections == 3
            for peer in (held[1], trickling[1], busy[1], writer):
                peer.close()

    run(scenario)


def test_a_message_that_is_begun_has_to_come_to_its_end() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, limits=StreamLimits(patience=0.1)) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(MESSAGE + MESSAGE[:20])
            with suppress(ConnectionError):
                assert await reader.read() == b""
            assert inbox.messages == [MESSAGE]
            await until(lambda: transport.counters.connections == 0)
            writer.close()

    run(scenario)


def test_a_message_that_comes_in_pieces_is_taken() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, limits=StreamLimits(patience=0.5)) as (transport, inbox):
            _, writer = await connect(transport)
            writer.write(MESSAGE[:20])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(MESSAGE[20:])
            await until(lambda: inbox.messages)
            await asyncio.sleep(0.6)
            assert inbox.paths[0].usable
            writer.close()

    run(scenario)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\r\n", b"hello\r\n"])
def test_what_is_not_sip_closes_the_connection_at_once(data: bytes) -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(data)
            await reader.read()
            assert [error.status for error in inbox.broken] == [400]
            writer.close()

    run(scenario)


def test_a_silent_connection_is_closed_unless_a_call_holds_it() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, limits=StreamLimits(idle=0.5)) as (transport, inbox):
            _, held = await connect(transport)
            held.write(MESSAGE)
            await until(lambda: inbox.paths)
            inbox.paths[0].hold()
            reader, idle = await connect(transport)
            assert await reader.read() == b""
            assert inbox.paths[0].usable
            inbox.paths[0].release()
            await until(lambda: not inbox.paths[0].usable)
            held.close()
            idle.close()

    run(scenario)


def test_a_peer_that_does_not_read_is_dropped_and_costs_a_bounded_amount() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor, limits=StreamLimits(max_backlog=50_000)) as (transport, inbox):
            peer = socket.create_connection(("127.0.0.1", transport.address.port))
            peer.sendall(MESSAGE)
            await until(lambda: inbox.paths)
            path, sent = inbox.paths[0], 0
            while path.usable and sent < 50_000_000:
                path.send(b"x" * 10_000)
                sent += 10_000
                await asyncio.sleep(0)
            assert not path.usable
            assert transport.counters.dropped == 1
            peer.close()

    run(scenario)


def test_a_connection_of_ours_sends_what_waited_and_is_used_again() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (ours, replies), listening(reactor) as (theirs, inbox):
            path = ours.path_to("127.0.0.1", theirs.address.port)
            path.send(MESSAGE)
            ours.path_to("127.0.0.1", theirs.address.port).send(MESSAGE)
            await until(lambda: len(inbox.messages) == 2)
            assert ours.counters.connections == theirs.counters.connections == 1
            assert inbox.paths[0].peer.host == "127.0.0.1"
            inbox.paths[0].send(MESSAGE)
            await until(lambda: replies.messages)

    run(scenario)


def test_nobody_there_is_told_to_everyone_who_waits() -> None:
    async def scenario(reactor: Any) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            async with listening(reactor) as (transport, _):
                problems: list[str] = []
                path = transport.path_to("127.0.0.1", port)
                path.send(MESSAGE, problems.append)
                path.send(MESSAGE, problems.append)
                await until(lambda: len(problems) == 2)
                assert not path.usable
                path.send(MESSAGE, problems.append)
                assert len(problems) == 3

    run(scenario)


def test_the_answer_to_a_request_whose_connection_is_gone_opens_a_new_one() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox), listening(reactor) as (theirs, replies):
            _, writer = await connect(transport)
            writer.write(MESSAGE)
            await until(lambda: inbox.paths)
            path = inbox.paths[0]
            assert path.answer_path("127.0.0.1", theirs.address.port) is path
            writer.close()
            await until(lambda: not path.usable)
            path.answer_path("127.0.0.1", theirs.address.port).send(MESSAGE)
            await until(lambda: replies.messages)

    run(scenario)


def test_an_address_in_use_is_an_oserror_that_names_it() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (first, _):
            second = TcpTransport(reactor, "127.0.0.1", first.address.port)
            with pytest.raises(OSError, match=f"tcp:127.0.0.1:{first.address.port}"):
                second.start(Inbox())

    run(scenario)


def test_what_was_sent_just_before_the_stop_still_goes_out() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(MESSAGE)
            await until(lambda: inbox.paths)
            inbox.paths[0].send(b"x" * 200_000)
            read = asyncio.create_task(reader.read())
            await transport.stop()
            assert len(await read) == 200_000
            writer.close()

    run(scenario)


def test_stopping_gives_up_a_connection_that_is_still_being_made() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, _):
            problems: list[str] = []
            transport.path_to("127.0.0.1", transport.address.port).send(MESSAGE, problems.append)
            await transport.stop()
            assert len(problems) == 1

    run(scenario)


def test_a_flood_gives_the_loop_back_after_a_few_messages() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox):
            peer = socket.create_connection(("127.0.0.1", transport.address.port))
            peer.sendall(MESSAGE)
            await until(lambda: inbox.messages)
            peer.sendall(MESSAGE * 1_000)  # it is all there before the loop looks again
            most, seen = 0, 1
            while seen < 1_001:
                await asyncio.sleep(0)
                most, seen = max(most, len(inbox.messages) - seen), len(inbox.messages)
            assert most <= READ_SIZE // len(MESSAGE) + 1
            peer.close()

    run(scenario)


def silent_listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener


def test_connections_of_ours_are_few_and_take_nobodys_place() -> None:
    async def scenario(reactor: Any) -> None:
        limits = StreamLimits(max_connections=1, max_per_host=1, max_made=2)
        async with listening(reactor, limits=limits) as (transport, inbox):
            problems: list[str] = []
            with silent_listener() as one, silent_listener() as two, silent_listener() as three:
                for listener in (one, two, three):
                    transport.path_to(*listener.getsockname()).send(MESSAGE, problems.append)
                assert len(problems) == 1
                assert transport.counters.connections_refused == 1
                _, writer = await connect(transport)
                writer.write(MESSAGE)
                await until(lambda: inbox.messages)
                assert transport.counters.connections == 3
                writer.close()

    run(scenario)


def test_a_connection_of_ours_is_closed_early_unless_somebody_holds_it() -> None:
    async def scenario(reactor: Any) -> None:
        limits = StreamLimits(made_idle=0.05)
        async with listening(reactor, limits=limits) as (transport, inbox):
            with silent_listener() as one, silent_listener() as two:
                held, idle = [transport.path_to(*each.getsockname()) for each in (one, two)]
                held.hold()
                for path in (held, idle):
                    path.send(MESSAGE)
                _, writer = await connect(transport)
                writer.write(MESSAGE)
                await until(lambda: inbox.paths)
                await until(lambda: not idle.usable)
                assert held.usable
                assert inbox.paths[0].usable
                held.release()
                await until(lambda: not held.usable)
                writer.close()

    run(scenario)


def test_a_flood_of_pings_costs_tokens_and_gets_one_pong_a_read() -> None:
    async def scenario(reactor: Any) -> None:
        async with listening(reactor) as (transport, inbox):
            reader, writer = await connect(transport)
            writer.write(b"\r\n\r\n" * 1_000 + MESSAGE)
            await until(lambda: inbox.messages)
            assert transport.counters.keepalives == 1_000
            inbox.paths[0].send(b"end")
            assert await reader.readexactly(5) == b"\r\nend"
            inbox.refused.add("127.0.0.1")
            writer.write(b"\r\n\r\n")
            await until(lambda: transport.counters.keepalives == 1_001)
            assert inbox.turned_away == 1
            inbox.paths[0].send(b"end")
            assert await reader.readexactly(3) == b"end"
            writer.close()

    run(scenario)
