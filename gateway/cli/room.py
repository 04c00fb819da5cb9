"""``passerelle room``: the rooms in the database, whether the server runs or not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import structlog

from config.outcome import Outcome, PasserelleError
from config.settings import Settings
from config.texts import LANGUAGES
from gateway.addresses import reserved, sip_uri, web_url
from gateway.cli.common import config_option, json_option, load_settings, print_json, settings_file
from gateway.web.tokens import LinkKeys
from rooms.pins import LASTING_DIGITS, check_chosen, is_short, is_weak
from rooms.values import Access, Invitation, NewRoom, Role, Room

if TYPE_CHECKING:
    from rooms.store import Store

T = TypeVar("T")


@click.group(no_args_is_help=False)
def room() -> None:
    """Add, list, show and remove rooms.

    Works on the database, so the server may be running or not; what changes holds from the next call on.
    """
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())  # standard output is for answers


@room.command()
@click.argument("name")
@click.option("--slug", help="Its name in addresses: sip:SLUG@host.  [default: made from NAME]")
@click.option("--pin", help="4 to 20 digits.  [default: ten digits are made]")
@click.option("--host-pin", help="The PIN of those who lead.  [default: ten digits are made]")
@click.option("--no-host-pin", is_flag=True, help="Nobody leads: make no host PIN.")
@click.option("--language", type=click.Choice(LANGUAGES), help="What is spoken there.")
@click.option(
    "--access",
    type=click.Choice([level.value for level in Access]),
    help="Who gets in by link or SLUG alone: everybody, whoever a host admits, or nobody without a PIN.  "
    "[default: signed-in]",
)
@click.option("--open", "is_open", is_flag=True, help="Short for --access open.")
@click.option("--max-participants", type=click.IntRange(min=1), metavar="N", help="Refuse more than N.")
@click.option("--max-cameras", type=click.IntRange(min=0), metavar="N", help="Show at most N at once.")
@click.option(
    "--max-video-kbps",
    type=click.IntRange(200, 1_000_000),
    metavar="N",
    help="At most N kbit/s of video from a browser, and to it.",
)
@click.option("--muted-on-entry", is_flag=True, help="All but hosts enter muted.")
@click.option("--locked", is_flag=True, help="Meetings start locked: only hosts get in.")
@json_option
@config_option
def add(
    name: str,
    slug: str | None,
    pin: str | None,
    host_pin: str | None,
    no_host_pin: bool,
    language: str | None,
    access: str | None,
    is_open: bool,
    max_participants: int | None,
    max_cameras: int | None,
    max_video_kbps: int | None,
    muted_on_entry: bool,
    locked: bool,
    as_json: bool,
) -> None:
    """Add a room called NAME and print its PINs, addresses and links."""
    if is_open and access is not None:
        raise click.UsageError("--open is short for --access open; give one of them.")
    settings = load_settings()
    new = NewRoom(
        name,
        slug=slug,
        pin=pin,
        host_pin=host_pin,
        has_host_pin=not no_host_pin,
        language=language,
        access=Access.OPEN if is_open else Access(access or Access.SIGNED_IN),
        max_participants=max_participants,
        max_cameras=max_cameras,
        max_video_kbps=max_video_kbps,
        muted_on_entry=muted_on_entry,
        locked=locked,
    )
    check_chosen(new, reserved(settings))  # a refusal makes no database
    added, links = _in_store(settings, lambda store: _add(settings, store, new), make=True)
    for option, given in (("--pin", pin), ("--host-pin", host_pin)):
        if given and is_weak(given):
            click.echo(
                f"Mind that the {option} you chose is among the first that anyone would try.", err=True
            )
        elif given and is_short(given):
            click.echo(
                f"Mind that the {option} you chose is short: patient guessing finds it. "
                f"Give it {LASTING_DIGITS} digits, or leave it out.",
                err=True,
            )
    fields = _names(added.room) | _pins(added) | _addresses(settings, added.room) | links
    if as_json:
        print_json(fields)
    else:
        _print_fields(fields)


@room.command("list")
@json_option
@config_option
def list_rooms(as_json: bool) -> None:
    """List all rooms, without their PINs."""
    settings = load_settings()
    rooms = _in_store(settings, lambda store: store.rooms())
    if as_json:
        print_json([_details(settings, each) for each in rooms])
    elif not rooms:
        click.echo("There is no room yet. Add one: passerelle room add NAME", err=True)
    else:
        width = max(len(each.slug) for each in rooms)
        for each in rooms:
            click.echo(f"{each.slug:<{width}}  {each.name}{_remarks(each)}")


@room.command()
@click.argument("slug")
@click.option("--reveal-pin", is_flag=True, help="Show its PINs and links as well; mind who sees the screen.")
@json_option
@config_option
def show(slug: str, reveal_pin: bool, as_json: bool) -> None:
    """Show the room SLUG, without its PINs unless they are asked for."""
    settings = load_settings()
    if reveal_pin:
        invitation, links = _in_store(settings, lambda store: _reveal(settings, store, slug))
        fields = _details(settings, invitation.room) | _pins(invitation) | links
    else:
        fields = _details(settings, _found(slug, _in_store(settings, lambda store: store.by_slug(slug))))
    if as_json:
        print_json(fields)
    else:
        _print_fields(fields)


@room.command()
@click.argument("slug")
@json_option
@config_option
def remove(slug: str, as_json: bool) -> None:
    """Remove the room SLUG and its PINs. A meeting under way in it goes on."""
    settings = load_settings()
    removed = _found(slug, _in_store(settings, lambda store: store.remove(slug)))
    if as_json:
        print_json(_details(settings, removed))
    else:
        click.echo(f'The room "{removed.name}" ({removed.slug}) is removed.')


def _in_store(settings: Settings, work: Callable[["Store"], Awaitable[T]], *, make: bool = False) -> T:
    """Do something with the rooms; ``make``: in a new database, where there is none."""
    from rooms.store import Store  # SQLAlchemy and Alembic take longer to import than most commands to run
    from rooms.store.state import State, look

    database = settings.database

    async def run() -> T:
        if not make and await look(database.url, database.secret_file) is State.NEW:
            raise _no_database(settings)
        store = await Store.open(database.url, database.secret_file)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def _no_database(settings: Settings) -> PasserelleError:
    """Told rather than made: in the wrong folder the answer is not that there are no rooms."""
    kind, _, file = settings.database.url.partition(":///")
    where = f"There is no database {file}" if kind == "sqlite" else "The database has never been used"
    return PasserelleError(
        f"{where} (database.url; settings: {settings_file() or 'the defaults'}).",
        outcome=Outcome.NOT_FOUND,
        hint="Say which by --config or PASSERELLE_DATABASE__URL; a new one is made by serve and by room add.",
    )


async def _add(settings: Settings, store: "Store", new: NewRoom) -> tuple[Invitation, dict[str, str]]:
    added = await store.add(new, reserved=reserved(settings))
    return added, _links(settings, store, added.room)


async def _reveal(settings: Settings, store: "Store", slug: str) -> tuple[Invitation, dict[str, str]]:
    invitation = _found(slug, await store.invitation(slug))
    return invitation, _links(settings, store, invitation.room)


def _links(settings: Settings, store: "Store", room: Room) -> dict[str, str]:
    """Addresses with a key in them: whoever has one enters, as a guest or a host."""
    keys = LinkKeys(store.link_key, time.time)
    return {
        f"{role.value}_link": web_url(settings, f"/r/{room.slug}#k={keys.make(room, role)}") for role in Role
    }


def _found(slug: str, found: T | None) -> T:
    if found is None:
        raise PasserelleError(
            f'There is no room "{slug}".',
            outcome=Outcome.NOT_FOUND,
            hint='Rooms are named by their slug; see "passerelle room list".',
        )
    return found


def _names(room: Room) -> dict[str, Any]:
    return {"slug": room.slug, "name": room.name}


def _addresses(settings: Settings, room: Room) -> dict[str, Any]:
    return {"sip_uri": sip_uri(settings, room.slug), "web_url": web_url(settings, f"/r/{room.slug}")}


def _details(settings: Settings, room: Room) -> dict[str, Any]:
    return _names(room) | {
        "language": room.language,
        "access": room.access.value,
        "max_participants": room.max_participants,
        "max_cameras": room.max_cameras,
        "max_video_kbps": room.max_video_kbps,
        "muted_on_entry": room.muted_on_entry,
        "locked": room.locked,
        **_addresses(settings, room),
    }


def _pins(invitation: Invitation) -> dict[str, Any]:
    return {"pin": invitation.pin, "host_pin": invitation.host_pin}


LABELS = {
    "slug": "Slug",
    "name": "Name",
    "sip_uri": "SIP address",
    "web_url": "Web address",
    "language": "Language",
    "access": "Access",
    "max_participants": "At most",
    "max_cameras": "Cameras",
    "max_video_kbps": "Video, kbit/s",
    "muted_on_entry": "Muted on entry",
    "locked": "Locked",
    "guest_link": "Guests' link",
    "host_link": "Hosts' link",
    "pin": "PIN",
    "host_pin": "Host PIN",
}


def _print_fields(fields: dict[str, Any]) -> None:
    for key, value in fields.items():
        click.echo(f"{LABELS[key]:<15} {_text(value)}")


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _remarks(room: Room) -> str:
    remarks = [room.access.value, *(["locked"] if room.locked else [])]
    return f"  ({', '.join(remarks)})"
