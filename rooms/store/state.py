"""What state a database is in, without changing anything: for ``passerelle check``.

``Store.open`` makes what is missing and brings the tables up to this version. A check must not, if only
because it may be run by another user than the one who will serve.
"""

import hmac
import os
from enum import Enum
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from rooms.keys import PinKeys, SecretError, read_secret
from rooms.store.database import StoreError, connect, parse_url, translated_errors
from rooms.store.tables import secret_check


class State(Enum):
    """How far a database is."""

    NEW = "new"  # will be made at the first start
    OLDER = "older"  # will be migrated at the next start
    CURRENT = "current"


async def look(url: str, secret_file: Path) -> State:
    """Look at the database and its secret file.

    Raises :class:`StoreError` (out of reach, or written by a newer version) or
    :class:`~rooms.keys.SecretError` (missing, open to others, of another database).
    """
    parsed = parse_url(url)
    secret = read_secret(secret_file)
    if parsed.get_backend_name() == "sqlite" and parsed.database and _is_new(Path(parsed.database)):
        return State.NEW
    engine = connect(parsed)
    try:
        with translated_errors():
            async with engine.connect() as connection:
                return await connection.run_sync(_look_inside, secret)
    finally:
        await engine.dispose()


def _is_new(file: Path) -> bool:
    """Whether there is no such file; raises `StoreError` if none could be made either."""
    folder = file.parent
    if file.exists():
        return False
    if not folder.is_dir():
        raise StoreError(f"There is no folder {folder} for the database.", hint=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"The folder {folder} of the database cannot be written to.",
            hint="Give it to the user that Passerelle runs as, or set database.url.",
        )
    return True


def _look_inside(connection: Connection, secret: bytes | None) -> State:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return State.NEW
    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"The database was written by a newer version of Passerelle (revision {revision}).",
            hint="Install that version again, or restore the backup made before it.",
        )
    stored = connection.scalar(select(secret_check.c.value))
    if stored is not None and secret is None:
        raise SecretError(
            "The secret file is missing, and without it no PIN in the database can be found.",
            hint="Copy it from the backup or from the first machine, or set database.secret_file.",
        )
    if (
        stored is not None
        and secret is not None
        and not hmac.compare_digest(stored, PinKeys(secret).check_value)
    ):
        raise SecretError(
            "The secret file belongs to another database.",
            hint="Restore the file that was used with this database, or set database.secret_file.",
        )
    return State.CURRENT if revision == scripts.get_current_head() else State.OLDER
