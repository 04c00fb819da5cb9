"""What the demo gives a newcomer: a room on the first run, and the words that say how to get into it."""

from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from gateway import certificate
from gateway.addresses import sip_uri, web_url
from gateway.demo import FOLDER, NUMBER, RECEPTION
from gateway.welcome import Demo, welcome
from rooms.pins import Reserved
from rooms.store import Store
from rooms.values import Invitation, NewRoom, Role, Room

ROOM, SLUG = "Salle de démonstration", "demo"


async def provide_room(store: Store, reserved: Reserved) -> Invitation | None:
    """Invite into the demo's room, made on the first run; into another one where that was removed."""
    rooms = await store.rooms()
    if not rooms:
        return await store.add(NewRoom(ROOM, slug=SLUG), reserved=reserved)
    slugs = [room.slug for room in rooms]
    return await store.invitation(SLUG if SLUG in slugs else slugs[0])


def introduction(
    settings: Settings, invitation: Invitation, link: Callable[[Room, Role], str], *, lan: bool
) -> list[str]:
    """What a newcomer is told: which page to open, what to dial, where things are."""
    return welcome(
        Demo(
            reception_uri=sip_uri(settings, RECEPTION),
            direct_uri=sip_uri(settings, invitation.pin),
            number=NUMBER,
            room=invitation.room.name,
            pin=invitation.pin,
            page_url=web_url(settings, "/"),
            host_link=link(invitation.room, Role.HOST),
            guest_link=link(invitation.room, Role.GUEST),
            health_url=web_url(settings, "/healthz"),
            metrics_url=web_url(settings, "/metrics"),
            settings="defaults; passerelle init-config writes a file to change them",
            state=str(Path.cwd() / FOLDER),
            log="this terminal",
            lan=settings.sip.listen[0].host if lan else None,
            media_ports=str(settings.media.ports),
            browser_port=settings.webrtc.port,
            nearby=next((host for host in settings.webrtc.address if not host.startswith("127.")), None),
            fingerprint=certificate.fingerprint(settings.http.certificate)
            if settings.http.certificate
            else "",
        )
    )
