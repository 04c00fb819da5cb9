import asyncio
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rooms.keys import PinKeys, SecretError, make_secret, read_secret
from rooms.store import Store, StoreError
from rooms.values import Access, NewRoom, Role, Room, RoomError

from ..conftest import InStore, execute


def is_reception(name: str) -> bool:
    return name in ("meet", "33123456789")


def test_a_new_store_is_empty(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        assert await store.count() == 0
        assert await store.rooms() == []
        assert await store.by_slug("team") is None
        assert await store.by_pin("1234") is None
        assert await store.invitation("team") is None
        assert await store.remove("team") is None

    in_store(scenario)


def test_every_field_comes_back_as_stored(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        new = NewRoom(
            "  Réunion d'été ",
            language="fr",
            access=Access.WAITING,
            max_participants=12,
            muted_on_entry=True,
            locked=True,
            max_cameras=0,
            max_video_kbps=800,
        )
        added = await store.add(new)
        fields = (1, "reunion-d-ete", "Réunion d'été", "fr", Access.WAITING, 12, True, True)
        assert added.room == Room(*fields, max_cameras=0, max_video_kbps=800)
        plain = await store.add(NewRoom("Plain"))
        assert plain.room == Room(2, "plain", "Plain", None, Access.SIGNED_IN, None, False, False)
        assert await store.rooms() == [plain.room, added.room]
        assert await store.by_slug("plain") == plain.room
        assert await store.count() == 2

    in_store(scenario)


def test_made_pins_open_the_room_and_are_shown_again(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        added = await store.add(NewRoom("Team"))
        assert added.host_pin is not None
        assert len({added.pin, added.host_pin}) == 2
        assert await store.by_pin(added.pin) == (added.room, Role.GUEST)
        assert await store.by_pin(added.host_pin) == (added.room, Role.HOST)
        assert await store.invitation("team") == added

    in_store(scenario)


def test_a_room_may_do_without_a_host_pin(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        added = await store.add(NewRoom("Team", has_host_pin=False))
        assert added.host_pin is None
        assert await store.invitation("team") == added

    in_store(scenario)


def test_a_pin_that_is_in_use_is_not_made_again(url: str, secret_file: Path) -> None:
    made = deque(["1000000007", "1000000007", "1000000008", "471147", "1000000007", "1000000009"])

    async def scenario() -> None:
        store = await Store.open(url, secret_file, make_pin=made.popleft)
        first = await store.add(NewRoom("Team"))
        assert (first.pin, first.host_pin) == ("1000000007", "1000000008")
        second = await store.add(NewRoom("Team", host_pin="471147"))
        assert (second.pin, second.host_pin) == ("1000000009", "471147")
        await store.close()

    asyncio.run(scenario())


def test_a_number_of_the_reception_is_not_made(url: str, secret_file: Path) -> None:
    made = deque(["33123456789", "1000000007", "33123456789", "1000000008"])

    async def scenario() -> None:
        store = await Store.open(url, secret_file, make_pin=made.popleft)
        added = await store.add(NewRoom("Team"), reserved=is_reception)
        assert (added.pin, added.host_pin) == ("1000000007", "1000000008")
        await store.close()

    asyncio.run(scenario())


def test_names_may_repeat_slugs_are_numbered(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        slugs = [(await store.add(NewRoom(name))).room.slug for name in ("Team", "Teamwork", "Team", "team")]
        assert slugs == ["team", "teamwork", "team-2", "team-3"]
        assert (await store.add(NewRoom("Meet"), reserved=is_reception)).room.slug == "meet-2"

    in_store(scenario)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (NewRoom("Other", slug="team"), "already"),
        (NewRoom("Other", slug="meet"), "name of the reception"),
        (NewRoom("Other", pin="33123456789"), "number of the reception"),
        (NewRoom("Other", host_pin="33123456789"), "number of the reception"),
        (NewRoom("Other", pin="111222"), "PIN is taken"),
        (NewRoom("Other", pin="333444"), "PIN is taken"),
        (NewRoom("Other", host_pin="111222"), "PIN is taken"),
        (NewRoom("Other", pin="777888", host_pin="777888"), "different PINs"),
        (NewRoom("Other", pin="123"), "4 to 20 digits"),
        (NewRoom("Other", host_pin="12345a"), "4 to 20 digits"),
    ],
)
def test_what_is_taken_or_wrong_is_refused_and_nothing_is_stored(
    in_store: InStore, new: NewRoom, said: str
) -> None:
    async def scenario(store: Store) -> None:
        team = await store.add(NewRoom("Team", pin="111222", host_pin="333444"))
        with pytest.raises(RoomError, match=said) as refusal:
            await store.add(new, reserved=is_reception)
        assert "111222" not in f"{refusal.value} {refusal.value.hint}"
        assert await store.rooms() == [team.room]

    in_store(scenario)


def test_a_removed_room_frees_slug_and_pins_but_not_its_number(in_store: InStore, url: str) -> None:
    async def scenario(store: Store) -> None:
        first = await store.add(NewRoom("Team", pin="111222"))
        assert await store.remove("team") == first.room
        assert execute(url, "SELECT * FROM pin") == []
        second = await store.add(NewRoom("Team", pin="111222"))
        assert (second.room.slug, second.room.id) == ("team", first.room.id + 1)

    in_store(scenario)


def test_the_database_holds_no_pin_in_clear(in_store: InStore, url: str) -> None:
    async def scenario(store: Store) -> None:
        added = await store.add(NewRoom("Team"))
        stored = b"".join(b for row in execute(url, "SELECT lookup, sealed FROM pin") for b in row)
        assert len(stored) == 2 * (32 + 12 + 10 + 16)
        assert added.pin.encode() not in stored
        assert PinKeys(bytes(32)).lookup(added.pin) not in stored

    in_store(scenario)


def test_a_sealed_pin_moved_to_another_room_is_not_shown(in_store: InStore, url: str) -> None:
    async def scenario(store: Store) -> None:
        await store.add(NewRoom("Team"))
        await store.add(NewRoom("Other"))
        execute(
            url,
            "UPDATE pin SET sealed = (SELECT sealed FROM pin WHERE room_id = 1 AND role = 'guest') "
            "WHERE room_id = 2 AND role = 'guest'",
        )
        await store.invitation("team")
        with pytest.raises(SecretError, match="altered"):
            await store.invitation("other")

    in_store(scenario)


def test_rooms_and_secret_outlive_the_process(in_store: InStore) -> None:
    async def add(store: Store) -> object:
        return await store.add(NewRoom("Team"))

    async def show(store: Store) -> object:
        return await store.invitation("team")

    assert in_store(add) == in_store(show)


@contextmanager
def refused(said: str) -> Iterator[None]:
    with pytest.raises(SecretError, match=said) as refusal:
        yield
    assert "database.secret_file" in refusal.value.hint


def test_without_its_secret_file_a_database_is_refused(in_store: InStore, secret_file: Path) -> None:
    in_store(Store.count)
    kept = secret_file.rename(secret_file.with_suffix(".kept"))
    with refused("is missing"):
        in_store(Store.count)
    assert not secret_file.exists()  # a new one would hide that the right one is lost
    make_secret(secret_file)
    with refused("belongs to another database"):
        in_store(Store.count)
    kept.rename(secret_file)
    assert in_store(Store.count) == 0


def test_a_secret_that_is_there_already_serves_a_new_database(in_store: InStore, secret_file: Path) -> None:
    secret = make_secret(secret_file)
    in_store(Store.count)
    assert read_secret(secret_file) == secret


def test_adding_from_many_tasks_at_once(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        added = await asyncio.gather(*(store.add(NewRoom("Team")) for _ in range(12)))
        assert sorted({one.room.slug for one in added}) == sorted(
            ["team", *(f"team-{n}" for n in range(2, 13))]
        )

    in_store(scenario)


ADD_FIVE = """
import asyncio, sys
from pathlib import Path
from rooms.store import Store
from rooms.values import Access, NewRoom

async def main(url, secret_file):
    store = await Store.open(url, Path(secret_file))
    for _ in range(5):
        await store.add(NewRoom("Team"))
    await store.close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_that_start_at_once_migrate_once_and_add_in_turn(
    url: str, secret_file: Path, in_store: InStore
) -> None:
    command = [sys.executable, "-c", ADD_FIVE, url, str(secret_file)]
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()
            process.wait()

    async def scenario(store: Store) -> None:
        rooms = await store.rooms()
        assert {room.slug for room in rooms} == {"team", *(f"team-{number}" for number in range(2, 16))}
        for room in rooms:
            await store.invitation(room.slug)  # one secret for all

    in_store(scenario)


def test_a_store_error_names_its_cause(in_store: InStore, url: str) -> None:
    async def scenario(store: Store) -> None:
        execute(url, "DROP TABLE pin")
        with pytest.raises(StoreError, match="pin") as refusal:
            await store.add(NewRoom("Team"))
        assert "parameters hidden" in str(refusal.value.__cause__)  # which a trace shows too
        assert await store.rooms() == []

    in_store(scenario)


def test_rooms_of_one_meeting_go_when_their_time_has_passed(in_store: InStore) -> None:
    async def scenario(store: Store) -> None:
        await store.add(NewRoom("Stays"))
        kept = await store.add(NewRoom("In use", expires_at=1000))
        gone = await store.add(NewRoom("Gone", expires_at=1000))
        await store.add(NewRoom("Later", expires_at=2000))
        assert await store.remove_expired(1000.5) == []
        assert await store.remove_expired(1001, but=["in-use"]) == ["gone"]
        assert await store.by_pin(gone.pin) is None
        assert await store.by_pin(kept.pin) == (kept.room, Role.GUEST)
        assert [room.slug for room in await store.rooms()] == ["in-use", "later", "stays"]

    in_store(scenario)
