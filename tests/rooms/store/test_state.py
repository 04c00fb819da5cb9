import asyncio
from pathlib import Path

import pytest

from rooms.keys import SecretError, make_secret
from rooms.store import Store, StoreError
from rooms.store.state import State, look

from ..conftest import InStore, execute


def looked(url: str, secret_file: Path) -> State:
    return asyncio.run(look(url, secret_file))


def test_a_new_database_stays_as_it_is(url: str, secret_file: Path, tmp_path: Path) -> None:
    assert looked(url, secret_file) is State.NEW
    assert list(tmp_path.iterdir()) == []


def test_one_in_use_is_current(url: str, secret_file: Path, in_store: InStore) -> None:
    in_store(Store.count)
    assert looked(url, secret_file) is State.CURRENT


def test_one_of_a_newer_version_is_refused(url: str, secret_file: Path, in_store: InStore) -> None:
    in_store(Store.count)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        looked(url, secret_file)


def test_secret_files_that_do_not_fit_are_refused(url: str, secret_file: Path, in_store: InStore) -> None:
    in_store(Store.count)
    secret_file.chmod(0o644)
    with pytest.raises(SecretError, match="open to others"):
        looked(url, secret_file)
    secret_file.unlink()
    with pytest.raises(SecretError, match="is missing"):
        looked(url, secret_file)
    assert not secret_file.exists()
    make_secret(secret_file)
    with pytest.raises(SecretError, match="another database"):
        looked(url, secret_file)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no folder") as refusal:
        looked(f"sqlite:///{tmp_path}/absent/passerelle.db", tmp_path / "secret")
    assert refusal.value.hint == f"mkdir -p {tmp_path}/absent"


def test_a_secret_file_that_could_not_be_made_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=f"there is no folder {tmp_path}/absent") as refusal:
        looked(url, tmp_path / "absent" / "secret")
    assert refusal.value.hint == f"mkdir -p {tmp_path}/absent; or set database.secret_file"


def test_a_server_out_of_reach_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        looked("postgresql://u:hidden@127.0.0.1:1/d", tmp_path / "secret")
