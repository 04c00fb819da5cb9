"""Looking at a database without touching it."""

import asyncio
from pathlib import Path

import pytest

from rooms.keys import SecretError
from rooms.store import Store, StoreError
from rooms.store.state import State, look


def make(folder: Path, name: str = "x") -> tuple[str, Path]:
    """A database and its secret file."""
    url, secret = f"sqlite:///{folder / name}.db", folder / f"{name}.secret"

    async def run() -> None:
        await (await Store.open(url, secret)).close()

    asyncio.run(run())
    return url, secret


def seen(url: str, secret: Path) -> State:
    return asyncio.run(look(url, secret))


def test_a_new_one_is_not_made(tmp_path: Path) -> None:
    assert seen(f"sqlite:///{tmp_path}/x.db", tmp_path / "x.secret") is State.NEW
    assert list(tmp_path.iterdir()) == []


def test_one_of_this_version(tmp_path: Path) -> None:
    assert seen(*make(tmp_path)) is State.CURRENT


def test_an_empty_file_counts_as_new(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    assert seen(f"sqlite:///{tmp_path}/x.db", tmp_path / "x.secret") is State.NEW


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder") as caught:
        seen(f"sqlite:///{tmp_path}/none/x.db", tmp_path / "x.secret")
    assert "mkdir" in caught.value.hint


def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("a letter to my aunt " * 100)
    with pytest.raises(StoreError, match="not a database"):
        seen(f"sqlite:///{tmp_path}/x.db", tmp_path / "x.secret")


def test_a_newer_version(tmp_path: Path) -> None:
    import sqlite3

    url, secret = make(tmp_path)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        seen(url, secret)


def test_the_secret_of_another_database(tmp_path: Path) -> None:
    url, _ = make(tmp_path)
    _, other = make(tmp_path, "y")
    with pytest.raises(SecretError, match="another database"):
        seen(url, other)


def test_the_secret_is_missing(tmp_path: Path) -> None:
    url, secret = make(tmp_path)
    secret.unlink()
    with pytest.raises(SecretError, match="missing"):
        seen(url, secret)
