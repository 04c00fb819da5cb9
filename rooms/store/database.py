"""The database below the queries: addresses, connections and the one write lock.

SQLite and PostgreSQL behave alike here:

- a reader sees committed data and waits for nobody (SQLite in WAL mode), each query on its own;
- writers come one at a time (``exclusive``): SQLite's BEGIN IMMEDIATE, an advisory lock on PostgreSQL. So a
  writer may look before it inserts, and several processes that start at once migrate one after the other
  (``opening``).
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    RowMapping,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from config.outcome import Outcome, PasserelleError

BUSY_MS = 10_000  # how long a SQLite writer waits for the one before
WRITE_LOCK = 0x70617373  # PostgreSQL's advisory locks are numbers common to a database: "pass"

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}


class StoreError(PasserelleError):
    """The database cannot be reached, understood or written to."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, outcome=Outcome.UNAVAILABLE, hint=hint)


def parse_url(text: str) -> URL:
    """Read ``sqlite:///file`` or ``postgresql://user@host/name``; :class:`StoreError` for anything else."""
    hint = "database.url is sqlite:///file.db or postgresql://user:password@host/name."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StoreError("The database address cannot be read.", hint=hint) from error
    if url.drivername not in (*_DRIVERS, *_DRIVERS.values()):
        raise StoreError(f"There is no support for databases of the kind {url.drivername}.", hint=hint)
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def connect(url: URL) -> AsyncEngine:
    """Return an engine; nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a restart of the server is not felt by callers
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000},  # seconds; milliseconds
    )


def reader(engine: AsyncEngine) -> AsyncEngine:
    """Return the same engine, reading without a transaction around each query."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


class PointReader:
    """Answers single-row queries, those that a call waits for, in as few turns of the loop as can be.

    Each await of the asynchronous SQLite driver costs a turn, some ten a query; near saturation a turn takes
    10 ms and more, and callers would wait for seconds. So SQLite is asked in a thread of its own, by one
    connection that stays open: one turn. (On the loop it would be quicker still, until a disk stalls and with
    it everybody's sound.)
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._asynchronous = reader(engine)
        self._synchronous: Engine | None = None
        self._connection: Connection | None = None  # used by the thread only
        if engine.dialect.name == "sqlite":
            self._thread = ThreadPoolExecutor(1, "rooms")
            self._synchronous = create_engine(engine.url.set(drivername="sqlite"), hide_parameters=True)
            event.listen(self._synchronous, "connect", _prepare_sqlite)

    async def first(self, query: Executable, values: Mapping[str, object]) -> RowMapping | None:
        """Return the first row, if there is one; ``values`` are those of the query's parameters."""
        if self._synchronous is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._first, self._synchronous, query, values)
        async with self._asynchronous.connect() as connection:
            return (await connection.execute(query, values)).mappings().first()

    def close(self) -> None:
        """Close its connections."""
        if self._synchronous is not None:
            self._thread.submit(self._disconnect)
            self._thread.shutdown()
            self._synchronous.dispose()

    def _first(self, engine: Engine, query: Executable, values: Mapping[str, object]) -> RowMapping | None:
        if self._connection is None:
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return self._connection.execute(query, values).mappings().first()
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@asynccontextmanager
async def exclusive(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that no other writer, of this or another process, overlaps."""
    async with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))
        yield connection


@asynccontextmanager
async def opening(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open an exclusive transaction on a database that may be new.

    The switch of a SQLite file to WAL fails at once, whatever its time-out, when another process is about to
    do the same: so there the processes that open queue for a lock on the folder.
    """
    async with AsyncExitStack() as stack:
        if engine.dialect.name == "sqlite" and engine.url.database:
            file = Path(engine.url.database)
            _check_file(file)
            await stack.enter_async_context(_locked_folder(file.parent))
            _make_file(file)
            async with engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # stays with the file
        yield await stack.enter_async_context(exclusive(engine))


def is_new(url: URL) -> bool:
    """Whether it names a SQLite file that is still to be made; :class:`StoreError` where none can be."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    file = Path(url.database)
    _check_file(file)
    return not file.exists()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn whatever the database and its driver raise into a :class:`StoreError`, without SQL or values."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise StoreError(f"The database does not answer: {reason}", hint=_hint(cause)) from error


def _hint(cause: BaseException) -> str:
    if not isinstance(cause, sqlite3.Error):
        return "Check that it runs, and database.url."
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return "The file that database.url names is something else: move it away, or name another."
    return "Check that this user may write the file that database.url names, and that nothing else holds it."


@asynccontextmanager
async def _locked_folder(folder: Path) -> AsyncIterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_file(file: Path) -> None:
    if file.exists():
        return
    if not file.parent.is_dir():
        raise StoreError(
            f"There is no folder {file.parent} for the database.", hint=f"mkdir -p {file.parent}"
        )
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise StoreError(
            f"The folder {file.parent} of the database cannot be written to.",
            hint="Give it to the user that Passerelle runs as, or set database.url.",
        )


def _make_file(file: Path) -> None:
    """Make it for its owner only, unless it is there: SQLite takes an empty file for a new database.

    The files beside it (-wal, -shm) get its mode from SQLite.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get("begin")
    if statement:
        connection.exec_driver_sql(statement)
