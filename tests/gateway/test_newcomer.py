import asyncio
from pathlib import Path

from config.settings import Settings
from gateway.newcomer import SLUG, introduction, provide_room
from rooms.store import Store
from rooms.values import NewRoom


def run(folder: Path, *removed: str, more: bool = False) -> str | None:
    async def story() -> str | None:
        store = await Store.open(f"sqlite:///{folder / 'rooms.db'}", folder / "secret")
        try:
            if more:
                await store.add(NewRoom("Another"))
            for slug in removed:
                await store.remove(slug)
            invitation = await provide_room(store, "meet".__eq__)
            return invitation.room.slug if invitation else None
        finally:
            await store.close()

    return asyncio.run(story())


def test_a_room_on_the_first_run_and_the_same_one_later(tmp_path: Path) -> None:
    assert run(tmp_path) == SLUG
    assert run(tmp_path) == SLUG
    assert run(tmp_path, more=True) == SLUG
    assert run(tmp_path, SLUG) == "another", "whoever removed it has a room of their own"


def test_a_newcomer_is_told_page_number_and_pin(tmp_path: Path) -> None:
    async def story() -> list[str]:
        store = await Store.open(f"sqlite:///{tmp_path / 'rooms.db'}", tmp_path / "secret")
        try:
            invitation = await provide_room(store, lambda _: False)
            assert invitation is not None
            lines = introduction(Settings(), invitation, lambda room, role: f"{role.value} link", lan=False)
            assert any(invitation.pin in line for line in lines)
            return lines
        finally:
            await store.close()

    text = "\n".join(asyncio.run(story()))
    for wanted in (
        "http://127.0.0.1:8080/",
        "host link",
        "guest link",
        "sip:meet@127.0.0.1",
        "/healthz",
        "/metrics",
    ):
        assert wanted in text
