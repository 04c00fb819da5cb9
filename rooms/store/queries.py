"""What is asked of the database, and the answers as values."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from rooms.keys import PinKeys, fitting_keys, make_secret
from rooms.pins import Reserved, check_chosen, make_pin
from rooms.store.database import (
    PointReader,
    connect,
    exclusive,
    is_new,
    opening,
    parse_url,
    reader,
    translated_errors,
)
from rooms.store.schema import migrate
from rooms.store.tables import pin, room, secret_check
from rooms.values import Invitation, NewRoom, Role, Room, RoomError, slugify, unique_slug

_ROOM_FIELDS = [field.name for field in fields(Room)]  # columns have the same names
_ROOM = select(*(room.c[name] for name in _ROOM_FIELDS))
# Built once, since making a query takes longer than answering it.
_BY_SLUG = _ROOM.where(room.c.slug == bindparam("slug"))
_BY_PIN = _ROOM.add_columns(pin.c.role).join_from(pin, room).where(pin.c.lookup == bindparam("lookup"))
_BY_SLUG_AND_PIN = (
    _ROOM.add_columns(pin.c.role)
    .outerjoin_from(room, pin, and_(pin.c.room_id == room.c.id, pin.c.lookup == bindparam("lookup")))
    .where(room.c.slug == bindparam("slug"))
)


class Store:
    """The stored rooms. Every method may raise :class:`~rooms.store.StoreError`."""

    def __init__(self, engine: AsyncEngine, keys: PinKeys, make_pin: Callable[[], str]) -> None:
        self._engine = engine
        self._reader = reader(engine)
        self._points = PointReader(engine)
        self._keys = keys
        self._make_pin = make_pin

    @classmethod
    async def open(cls, url: str, secret_file: Path, *, make_pin: Callable[[], str] = make_pin) -> Self:
        """Connect, migrate, and make or check the secret file; any number of processes may do so at once.

        Raises :class:`StoreError` or :class:`~rooms.keys.SecretError`.
        """
        address = parse_url(url)
        if is_new(address):
            fitting_keys(secret_file, None)  # a refusal leaves no empty database behind
        engine = connect(address)
        try:
            with translated_errors():
                async with opening(engine) as connection:
                    keys = await connection.run_sync(_prepare, secret_file)
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine, keys, make_pin)

    @property
    def link_key(self) -> bytes:
        """The key that signs links into rooms."""
        return self._keys.link_key

    async def close(self) -> None:
        """Close all connections."""
        self._points.close()
        await self._engine.dispose()

    async def count(self) -> int:
        """Return how many rooms there are."""
        async with self._reading() as connection:
            return await connection.scalar(select(func.count()).select_from(room)) or 0

    async def rooms(self) -> list[Room]:
        """Return all rooms, by slug."""
        async with self._reading() as connection:
            rows = await connection.execute(_ROOM.order_by(room.c.slug))
            return [_room(row) for row in rows.mappings()]

    async def by_slug(self, slug: str) -> Room | None:
        """Return the room of that slug."""
        row = await self._first(_BY_SLUG, slug=slug)
        return _room(row) if row else None

    async def by_pin(self, digits: str) -> tuple[Room, Role] | None:
        """Return the room that a PIN opens and the role it gives."""
        row = await self._first(_BY_PIN, lookup=self._keys.lookup(digits))
        return (_room(row), Role(row["role"])) if row else None

    async def by_slug_and_pin(self, slug: str, digits: str) -> tuple[Room, Role | None] | None:
        """Return the room of that slug, and the role that the PIN gives there (``None``: not its PIN)."""
        row = await self._first(_BY_SLUG_AND_PIN, slug=slug, lookup=self._keys.lookup(digits))
        return (_room(row), Role(row["role"]) if row["role"] else None) if row else None

    async def invitation(self, slug: str) -> Invitation | None:
        """Return the room of that slug with its PINs in clear; ``SecretError`` if they were altered."""
        found = await self.by_slug(slug)
        if found is None:
            return None
        async with self._reading() as connection:
            rows = await connection.execute(select(pin.c.role, pin.c.sealed).where(pin.c.room_id == found.id))
            pins = {role: self._keys.reveal(sealed, _binding(found, Role(role))) for role, sealed in rows}
        return Invitation(found, pins[Role.GUEST.value], pins.get(Role.HOST.value))

    async def add(self, new: NewRoom, *, reserved: Reserved = lambda _: False) -> Invitation:
        """Store a room. ``reserved``: slugs and PINs no room may have, chosen or made.

        Raises :class:`RoomError` when a chosen slug or PIN is not possible or is taken.
        """
        check_chosen(new, reserved)
        chosen = {digits for digits in (new.pin, new.host_pin) if digits is not None}
        async with self._writing() as connection:
            slug = await _free_slug(connection, new, reserved)
            pins = {Role.GUEST: await self._free_pin(connection, new.pin, chosen, reserved)}
            if new.has_host_pin:
                unlike = {*chosen, pins[Role.GUEST]}
                pins[Role.HOST] = await self._free_pin(connection, new.host_pin, unlike, reserved)
            added = await _insert_room(connection, new, slug)
            for role, digits in pins.items():
                sealed = self._keys.seal(digits, _binding(added, role))
                await connection.execute(
                    insert(pin).values(
                        lookup=self._keys.lookup(digits), room_id=added.id, role=role.value, sealed=sealed
                    )
                )
        return Invitation(added, pins[Role.GUEST], pins.get(Role.HOST))

    async def remove(self, slug: str) -> Room | None:
        """Remove a room and its PINs; return it, or ``None`` if there was none."""
        async with self._writing() as connection:
            query = delete(room).where(room.c.slug == slug).returning(*_ROOM.selected_columns)
            row = (await connection.execute(query)).mappings().first()
        return _room(row) if row else None

    async def remove_expired(self, now: float, *, but: Collection[str] = ()) -> list[str]:
        """Remove rooms whose time has passed, except those in use; ``now``: Unix seconds. Returns slugs."""
        expired = and_(room.c.expires_at < int(now), room.c.slug.not_in(but))
        async with self._writing() as connection:
            removed = await connection.scalars(delete(room).where(expired).returning(room.c.slug))
            return list(removed)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with translated_errors():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with translated_errors():
            async with exclusive(self._engine) as connection:
                yield connection

    async def _first(self, query: Executable, **values: object) -> RowMapping | None:
        with translated_errors():
            return await self._points.first(query, values)

    async def _free_pin(
        self, connection: AsyncConnection, chosen: str | None, unlike: Collection[str], reserved: Reserved
    ) -> str:
        """Return the chosen PIN, or a made one that is unlike those; such that no room has it."""

        async def is_stored(digits: str) -> bool:
            stored = select(pin.c.role).where(pin.c.lookup == self._keys.lookup(digits))
            return await connection.scalar(stored) is not None

        if chosen is not None:
            if await is_stored(chosen):
                raise RoomError(
                    "This PIN is taken.", hint="Choose another, or leave it out to have one made."
                )
            return chosen
        while (made := self._make_pin()) in unlike or reserved(made) or await is_stored(made):
            pass
        return made


async def _free_slug(connection: AsyncConnection, new: NewRoom, reserved: Reserved) -> str:
    async def stored(condition: ColumnElement[bool]) -> set[str]:
        return set(await connection.scalars(select(room.c.slug).where(condition)))

    if new.slug is not None:
        if await stored(room.c.slug == new.slug):
            raise RoomError(
                f'There is a room "{new.slug}" already.', hint="Choose another slug, or leave it out."
            )
        return new.slug
    base = slugify(new.name)
    taken = await stored(or_(room.c.slug == base, room.c.slug.like(f"{base}-%")))
    return unique_slug(base, lambda slug: slug in taken or reserved(slug))


async def _insert_room(connection: AsyncConnection, new: NewRoom, slug: str) -> Room:
    values = {name: getattr(new, name) for name in _ROOM_FIELDS if name != "id"}
    values |= {"slug": slug, "name": new.name.strip()}
    rows = await connection.execute(insert(room).values(values).returning(*_ROOM.selected_columns))
    return _room(rows.mappings().one())


def _prepare(connection: Connection, secret_file: Path) -> PinKeys:
    """Bring the tables up to date and return the keys; a new database gets a new secret, if there is none."""
    migrate(connection)
    stored = connection.scalar(select(secret_check.c.value))
    keys = fitting_keys(secret_file, stored) or PinKeys(make_secret(secret_file))
    if stored is None:
        connection.execute(insert(secret_check).values(id=1, value=keys.check_value))
    return keys


def _binding(owner: Room, role: Role) -> str:
    return f"room {owner.id} {role.value}"


def _room(row: RowMapping) -> Room:
    return Room(**{name: row[name] for name in _ROOM_FIELDS})
