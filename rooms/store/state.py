"""What state a database is in, without changing anything: for ``passerelle check``.

``Store.open`` makes what is missing and brings the tables up to this version. A check must not, if only
because it may be run by another user than the one who will serve.
"""

from pathlib import Path

from sqlalchemy import Connection, select

from rooms.keys import fitting_keys
from rooms.store.database import connect, is_new, parse_url, translated_errors
from rooms.store.schema import State, state_of
from rooms.store.tables import secret_check

__all__ = ["State", "look"]


async def look(url: str, secret_file: Path) -> State:
    """Look at the database and its secret file.

    Raises :class:`~rooms.store.StoreError` (out of reach, or written by a newer version) or
    :class:`~rooms.keys.SecretError` (missing, open to others, of another database, cannot be made).
    """
    parsed = parse_url(url)
    if is_new(parsed):
        fitting_keys(secret_file, None)
        return State.NEW
    engine = connect(parsed)
    try:
        with translated_errors():
            async with engine.connect() as connection:
                return await connection.run_sync(_look_inside, secret_file)
    finally:
        await engine.dispose()


def _look_inside(connection: Connection, secret_file: Path) -> State:
    state = state_of(connection)
    stored = None if state is State.NEW else connection.scalar(select(secret_check.c.value))
    fitting_keys(secret_file, stored)
    return state
