import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rooms.keys import PinKeys, SecretError, make_secret, read_secret

SECRET, OTHER = bytes(range(32)), bytes(32)
PIN = "8189326540"


def test_derivation_does_not_change_between_versions() -> None:
    keys = PinKeys(SECRET)
    assert keys.lookup(PIN).hex() == "91347e586023ab14d97ed5d010ca6e985fcfec73a87e9ec54e30b82119b81f45"
    assert keys.check_value.hex() == "fd08e4a6679911d3e6d576f1580673cfef9a76714c9e4913f1c646d900b8112a"


def test_the_lookup_depends_on_pin_and_secret() -> None:
    assert PinKeys(SECRET).lookup(PIN) == PinKeys(SECRET).lookup(PIN)
    assert len({PinKeys(SECRET).lookup(PIN), PinKeys(SECRET).lookup("1"), PinKeys(OTHER).lookup(PIN)}) == 3


def test_a_sealed_pin_is_shown_again_and_never_looks_the_same() -> None:
    keys = PinKeys(SECRET)
    first, second = keys.seal(PIN, "room 1"), keys.seal(PIN, "room 1")
    assert first != second
    assert PIN.encode() not in first
    assert keys.reveal(first, "room 1") == keys.reveal(second, "room 1") == PIN


def test_it_opens_for_its_room_and_secret_only_and_only_unaltered() -> None:
    sealed = PinKeys(SECRET).seal(PIN, "room 1")
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for keys, text, bound_to in [
        (PinKeys(OTHER), sealed, "room 1"),
        (PinKeys(SECRET), sealed, "room 2"),
        (PinKeys(SECRET), altered, "room 1"),
        (PinKeys(SECRET), sealed[:10], "room 1"),
        (PinKeys(SECRET), b"", "room 1"),
    ]:
        with pytest.raises(SecretError, match="altered"):
            keys.reveal(text, bound_to)


def test_the_file_is_made_for_its_owner_only_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert read_secret(path) is None
    mask = os.umask(0)
    try:
        secret = make_secret(path)
    finally:
        os.umask(mask)
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path) == secret
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = make_secret(path)
    assert make_secret(path) == first


def test_all_who_make_it_at_once_hold_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make_secret, [tmp_path / "secret"] * 8))) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    make_secret(path)
    path.chmod(mode)
    with pytest.raises(SecretError, match="open to others") as refusal:
        read_secret(path)
    assert refusal.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("contents", [b"", b"00", b"zz" * 32, b"\xff" * 64, b"00" * 33])
def test_a_damaged_file_is_refused_without_being_shown(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(contents)
    path.chmod(0o600)
    with pytest.raises(SecretError, match="damaged"):
        read_secret(path)


def test_where_it_cannot_be_made_or_read_the_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="absent/secret cannot be made: No such file"):
        make_secret(tmp_path / "absent" / "secret")
    with pytest.raises(SecretError, match=r"cannot be read: Is a directory"):
        read_secret(tmp_path)
