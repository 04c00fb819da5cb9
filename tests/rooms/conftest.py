"""Databases to test on: a SQLite file, and a PostgreSQL server of our own in a temporary folder."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from pwd import getpwnam
from typing import Any

import psycopg
import pytest

from rooms.store import Store

InStore = Callable[[Callable[[Store], Awaitable[Any]]], Any]
_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """Start a server that listens on a Unix socket only; the folder of that socket is returned."""
    found = shutil.which("initdb") or max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    if found is None:
        pytest.skip("no PostgreSQL server to test on: install the package postgresql")
    bin_folder = Path(found).resolve().parent
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="passerelle-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(bin_folder / program), "--pgdata", str(folder / "data"), *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    try:
        run("initdb", "--username=passerelle", "--auth=trust", "--encoding=UTF8", "--no-sync")
        run("pg_ctl", "start", "--wait", "--options", options, "--log", str(folder / "log"))
        yield folder
        run("pg_ctl", "stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/passerelle.db"
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """Where the secret file will be made."""
    return tmp_path / "passerelle.secret"


@pytest.fixture
def in_store(url: str, secret_file: Path) -> InStore:
    """Run a coroutine function on an open store."""

    def run(scenario: Callable[[Store], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            store = await Store.open(url, secret_file)
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run


def new_database(postgresql: Path) -> str:
    """Make an empty database on the server; its address is returned."""
    name = f"test_{next(_numbers)}"
    execute(f"postgresql://passerelle@/postgres?host={postgresql}", f"CREATE DATABASE {name}")
    return f"postgresql://passerelle@/{name}?host={postgresql}"


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Execute SQL behind the store's back, and return the rows if there are any."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; whom to run it as instead."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("no unprivileged user to run PostgreSQL as: install the package postgresql")
