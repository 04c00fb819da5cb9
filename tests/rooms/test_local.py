import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from structlog.testing import capture_logs

from config.outcome import Outcome
from rooms.local import LocalDirectory
from rooms.store import Store
from rooms.values import Access, Found, NewRoom, NotFound, Refused, Role, Room, Unavailable

from .conftest import InStore, execute, new_database


def test_who_may_enter_where(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        directory = LocalDirectory(store)
        await store.add(NewRoom("Team", pin="111222", host_pin="333444"))
        await store.add(NewRoom("Hall", pin="555666", has_host_pin=False, access=Access.OPEN))
        team, hall = Room(1, "team", "Team"), Room(2, "hall", "Hall", access=Access.OPEN)

        assert await directory.by_pin("111222") == Found(team, Role.GUEST)
        assert await directory.by_pin("333444") == Found(team, Role.HOST)
        assert await directory.by_pin("555666") == Found(hall, Role.GUEST)
        assert await directory.by_pin("999999") == NotFound()

        assert await directory.by_slug("hall") == Found(hall, Role.GUEST)
        assert await directory.by_slug("Team") == Found(team, Role.GUEST)
        assert await directory.by_slug("teams") == NotFound()

        assert await directory.by_slug_and_pin("TEAM", "111222") == Found(team, Role.GUEST)
        assert await directory.by_slug_and_pin("team", "333444") == Found(team, Role.HOST)
        assert await directory.by_slug_and_pin("team", "555666") == Refused(Outcome.WRONG_PIN)
        assert await directory.by_slug_and_pin("hall", "") == Refused(Outcome.WRONG_PIN)
        assert await directory.by_slug_and_pin("nowhere", "111222") == NotFound()

    in_store(scenario)


def test_whatever_is_dialled_only_gets_an_answer(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        directory = LocalDirectory(store)
        await store.add(NewRoom("Team"))
        for text in ["", "%", "' OR 1=1 --", "é" * 1000, "a\0", "1" * 100_000, "\udc80", "\n"]:
            assert await directory.by_pin(text) == NotFound()
            assert await directory.by_slug(text) == NotFound()
            assert await directory.by_slug_and_pin(text, text) == NotFound()

    in_store(scenario)


def test_each_question_is_at_most_one_query(in_store: InStore) -> None:
    queries: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        queries.append(statement)

    async def scenario(store: Store) -> None:
        directory = LocalDirectory(store)
        await store.add(NewRoom("Team", pin="111222"))
        await directory.by_pin("111222")  # connected from now on
        event.listen(Engine, "before_cursor_execute", note)
        try:
            for question in (
                directory.by_pin("111222"),
                directory.by_pin("999999"),
                directory.by_slug("team"),
                directory.by_slug_and_pin("team", "111222"),
            ):
                queries.clear()
                await question
                assert len(queries) == 1
            queries.clear()
            await directory.by_pin("no PIN")
            assert not queries
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    in_store(scenario)


def test_a_database_that_fails_is_unavailable(in_store: InStore, url: str) -> None:
    async def scenario(store: Store) -> None:
        execute(url, "DROP TABLE pin")
        with capture_logs() as logs:
            answer = await LocalDirectory(store).by_pin("8189326540")
        assert isinstance(answer, Unavailable)
        assert "pin" in answer.detail
        assert [(line["log_level"], line["detail"]) for line in logs] == [("error", answer.detail)]
        assert "8189326540" not in str(logs)
        assert "SELECT" not in str(logs)

    in_store(scenario)


def test_after_the_server_cut_all_connections_the_next_question_is_answered(
    postgresql: Path, secret_file: Path
) -> None:
    url = new_database(postgresql)

    async def scenario() -> None:
        store = await Store.open(url, secret_file)
        directory = LocalDirectory(store)
        await store.add(NewRoom("Team", pin="111222"))
        assert isinstance(await directory.by_pin("111222"), Found)
        execute(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert isinstance(await directory.by_pin("111222"), Found)
        await store.close()

    asyncio.run(scenario())


def test_a_database_that_keeps_silent_is_unavailable() -> None:
    class Silent:
        async def by_pin(self, _pin: str) -> None:
            await asyncio.Event().wait()

    directory = LocalDirectory(Silent(), patience=0.01)  # type: ignore[arg-type]
    assert asyncio.run(directory.by_pin("1234")) == Unavailable("no answer from the database in 0.01 s")


def test_the_room_opened_by_a_pin_is_gone_with_the_room(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        added = await store.add(NewRoom("Team"))
        assert await store.remove("team")
        assert await LocalDirectory(store).by_pin(added.pin) == NotFound()

    in_store(scenario)


def test_a_server_that_lets_us_wait_is_unavailable_until_it_answers(
    postgresql: Path, secret_file: Path
) -> None:
    url = new_database(postgresql)

    async def scenario() -> None:
        store = await Store.open(url, secret_file)
        directory = LocalDirectory(store, patience=0.1)
        await store.add(NewRoom("Team", pin="111222"))
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE pin IN ACCESS EXCLUSIVE MODE")
            answers = await asyncio.gather(*(directory.by_pin("111222") for _ in range(20)))
            assert all(isinstance(answer, Unavailable) for answer in answers)
        assert isinstance(await LocalDirectory(store).by_pin("111222"), Found)
        await store.close()

    asyncio.run(scenario())


def test_on_sqlite_a_question_does_not_wait_for_a_writer(tmp_path: Path, secret_file: Path) -> None:
    file = tmp_path / "passerelle.db"

    async def scenario() -> None:
        store = await Store.open(f"sqlite:///{file}", secret_file)
        directory = LocalDirectory(store)
        await store.add(NewRoom("Team", pin="111222"))
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            other.execute("DELETE FROM pin")
            assert isinstance(await directory.by_pin("111222"), Found)
            other.execute("COMMIT")
        assert await directory.by_pin("111222") == NotFound()
        await store.close()

    asyncio.run(scenario())
