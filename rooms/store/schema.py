"""The version of the tables: told, and brought up to this code's by Alembic (``migrations``)."""

from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from rooms.store.database import StoreError


class State(Enum):
    """How far a database is."""

    NEW = "new"  # will be made at the first start
    OLDER = "older"  # will be migrated at the next start
    CURRENT = "current"


def state_of(connection: Connection) -> State:
    """Tell how far the tables are; :class:`StoreError` when a newer version wrote them."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    scripts = ScriptDirectory.from_config(_config())
    unknown = found - {script.revision for script in scripts.walk_revisions()}
    if unknown:
        raise StoreError(
            f"The database was written by a newer version of Passerelle (revision {', '.join(unknown)}).",
            hint="Install that version again, or restore the backup made before it.",
        )
    if not found:
        return State.NEW
    return State.CURRENT if found == set(scripts.get_heads()) else State.OLDER


def migrate(connection: Connection) -> None:
    """Bring the tables up to this version, in the transaction of the connection; else as :func:`state_of`."""
    if state_of(connection) is State.CURRENT:
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "rooms.store:migrations")
    return config
