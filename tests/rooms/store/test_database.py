import asyncio
import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from rooms.keys import SecretError
from rooms.store import Store, StoreError
from rooms.store.database import connect, exclusive, parse_url
from rooms.store.schema import _config, migrate
from rooms.store.tables import metadata
from rooms.values import NewRoom

from ..conftest import InStore, execute


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///a.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_addresses_get_the_driver_we_use(text: str, driver: str) -> None:
    assert parse_url(text).drivername == driver


@pytest.mark.parametrize(
    "text",
    ["", "passerelle.db", "postgres://u:secret@h/d", "mysql://h/d", "postgresql+asyncpg://u:secret@h/d"],
)
def test_other_databases_are_refused_without_showing_the_password(text: str) -> None:
    with pytest.raises(StoreError) as refusal:
        parse_url(text)
    assert "database.url" in refusal.value.hint
    assert "secret" not in str(refusal.value)


def test_the_migrations_build_the_tables_of_the_code(url: str) -> None:
    def build_and_compare(connection: Connection) -> list[Any]:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async def scenario() -> list[Any]:
        engine = connect(parse_url(url))
        try:
            async with exclusive(engine) as connection:
                return await connection.run_sync(build_and_compare)
        finally:
            await engine.dispose()

    assert asyncio.run(scenario()) == []


def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    def build_and_fail(connection: Connection) -> None:
        migrate(connection)
        raise StoreError("stop here")

    async def scenario() -> None:
        engine = connect(parse_url(url))
        try:
            async with exclusive(engine) as connection:
                await connection.run_sync(build_and_fail)
        finally:
            await engine.dispose()

    with pytest.raises(StoreError, match="stop here"):
        asyncio.run(scenario())
    for table in ("room", "alembic_version"):
        with pytest.raises(Exception, match=table):
            execute(url, f"SELECT * FROM {table}")


def test_a_database_of_a_newer_version_is_refused_untouched(in_store: InStore, url: str) -> None:
    in_store(Store.count)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of Passerelle \(revision 9999\)") as refusal:
        in_store(Store.count)
    assert "backup" in refusal.value.hint
    assert execute(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_on_sqlite_those_who_open_queue_before_they_touch_the_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "passerelle.db"
        folder = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        opening = asyncio.create_task(Store.open(f"sqlite:///{file}", tmp_path / "secret"))
        await asyncio.sleep(0.2)
        assert not file.exists()
        os.close(folder)
        await (await opening).close()
        assert file.exists()

    asyncio.run(scenario())


def test_what_sqlite_writes_is_for_its_owner_only(tmp_path: Path) -> None:
    modes: dict[str, int] = {}

    def look() -> None:
        modes.update({file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("passerelle*")})

    async def scenario() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/passerelle.db", tmp_path / "secret")
        await store.add(NewRoom("Team"))
        look()
        await store.close()

    mask = os.umask(0)
    try:
        asyncio.run(scenario())
    finally:
        os.umask(mask)
    assert modes == {f"passerelle.db{end}": 0o600 for end in ("", "-shm", "-wal")}


@pytest.mark.parametrize("where", ["absent/secret", "damaged"])
def test_a_secret_that_cannot_be_had_leaves_no_database_behind(where: str, tmp_path: Path) -> None:
    (tmp_path / "damaged").touch(mode=0o600)
    with pytest.raises(SecretError):
        asyncio.run(Store.open(f"sqlite:///{tmp_path}/passerelle.db", tmp_path / where))
    assert [file.name for file in tmp_path.iterdir()] == ["damaged"]


def test_sqlite_keeps_a_write_ahead_log_and_its_foreign_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/passerelle.db"

    async def scenario() -> list[object]:
        store = await Store.open(url, tmp_path / "secret")
        await store.close()
        engine = connect(parse_url(url))
        async with engine.connect() as connection:
            pragmas = ["journal_mode", "foreign_keys", "busy_timeout"]
            values = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in pragmas]
        await engine.dispose()
        return values

    assert asyncio.run(scenario()) == ["wal", 1, 10_000]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:////nowhere/at/all.db", "There is no folder /nowhere/at"),
        ("postgresql://u:secret@127.0.0.1:1/d", "refused"),
        ("postgresql://u:secret@/d?host=/nowhere", "No such file"),
    ],
)
def test_what_cannot_be_reached_is_said_in_one_line(address: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=said) as refusal:
        asyncio.run(Store.open(address, tmp_path / "secret"))
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert refusal.value.hint


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passerelle.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="not a database") as refusal:
        asyncio.run(Store.open(f"sqlite:///{path}", tmp_path / "secret"))
    assert "move it away" in refusal.value.hint
    assert path.read_bytes().startswith(b"not a database")


def test_open_rooms_of_the_first_version_stay_open_and_keep_their_pins(url: str) -> None:
    def upgrade(connection: Connection) -> list[Any]:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for number, is_open in ((1, True), (2, False)):
            connection.execute(
                text(
                    "INSERT INTO room (id, slug, name, open, muted_on_entry, locked)"
                    " VALUES (:id, :slug, 'Room', :open, :no, :no)"
                ),
                {"id": number, "slug": f"room-{number}", "open": is_open, "no": False},
            )
            connection.execute(
                text("INSERT INTO pin VALUES (:lookup, :room, 'guest', :lookup)"),
                {"lookup": bytes([number]) * 32, "room": number},
            )
        migrate(connection)
        return [
            tuple(row)
            for row in connection.execute(
                text(
                    "SELECT access, expires_at, max_cameras, role FROM room"
                    " JOIN pin ON room.id = room_id ORDER BY slug"
                )
            )
        ]

    async def scenario() -> list[Any]:
        engine = connect(parse_url(url))
        try:
            async with exclusive(engine) as connection:
                return await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    assert asyncio.run(scenario()) == [("open", None, None, "guest"), ("signed-in", None, None, "guest")]
