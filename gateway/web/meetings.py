"""Getting into a meeting over HTTP.

- ``POST /api/meetings {name?, language?}``: make a room for one meeting, where the settings allow it.
- ``GET /api/rooms/<slug>``: what the page shows before one enters; a link's key goes in ``Room-Key``.
- ``POST /api/join {slug, name, key?, pin?}``: a ticket, with which the WebSocket begins (``web.socket``).
- ``POST /api/leave {session, secret}``: give a seat up. A page that is closed has no time for its WebSocket;
  this request outlives it (``keepalive`` of the Fetch standard).

Errors have the shape of ``gateway.web.problems``. Nothing here depends on a cookie, so nothing can be done in
somebody's name; all the same, only our own pages may post (``gateway.web.origins``).
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from pydantic import AfterValidator, BaseModel, Field

from conferencing.embedded.fields import Text
from gateway.web.doors import Doors
from gateway.web.origins import Origins
from gateway.web.problems import ForeignOriginError, Problem
from rooms.values import Role

RoomName = Annotated[str, Field(max_length=80), AfterValidator(Text(80, least=0).read)]
PersonName = Annotated[str, Field(max_length=80), AfterValidator(Text(80).read)]
Slug = Annotated[str, Field(max_length=64)]
RoomKey = Annotated[str | None, Header()]


class MeetingRequest(BaseModel):
    """What the new room is called (without a name: "Meeting", in that language), and what is spoken in it."""

    name: RoomName = ""
    language: Annotated[str, Field(max_length=16)] = ""


class NewMeeting(BaseModel):
    """The room, the link for everybody and the one that makes a host."""

    slug: str
    link: str
    host_link: str


class RoomView(BaseModel):
    """What one may know of a room before entering it; where a key or PIN is needed, no name without a key."""

    name: str | None
    slug: str
    access: str
    pin_needed: bool


class JoinRequest(BaseModel):
    """Who wants to go where, with the key of a link, a PIN, or neither."""

    slug: Slug
    name: PersonName
    key: Annotated[str, Field(max_length=128)] | None = None
    pin: Annotated[str, Field(max_length=32)] | None = None


class JoinTicket(BaseModel):
    """Good for one ``hello`` within 60 s."""

    token: str
    role: str


class LeaveRequest(BaseModel):
    """Which seat, and what proves that it is one's own."""

    session: Annotated[str, Field(max_length=64)]
    secret: Annotated[str, Field(max_length=128)]


def create_meetings(doors: Doors, origins: Origins) -> APIRouter:
    """The routes."""

    async def our_page(request: Request) -> None:
        if not origins.is_ours(request):
            raise ForeignOriginError

    api = APIRouter(prefix="/api", responses={"4XX": {"model": Problem}, 503: {"model": Problem}})

    @api.post("/meetings", dependencies=[Depends(our_page)])
    async def create_meeting(request: Request, wanted: MeetingRequest) -> NewMeeting:
        """Make a room for one meeting."""
        room = (await doors.create(wanted.name, wanted.language, origins.source(request))).room
        return NewMeeting(
            slug=room.slug, link=doors.link(room, Role.GUEST), host_link=doors.link(room, Role.HOST)
        )

    @api.get("/rooms/{slug}")
    async def room(request: Request, slug: str, room_key: RoomKey = None) -> RoomView:
        """Say what the room is called and whether a PIN is needed."""
        found = await doors.room(slug, origins.source(request))
        return RoomView(
            name=found.name if doors.may_know(found, room_key) else None,
            slug=found.slug,
            access=found.access.value,
            pin_needed=found.pin_needed,
        )

    @api.post("/join", dependencies=[Depends(our_page)])
    async def join(request: Request, wanted: JoinRequest) -> JoinTicket:
        """Give a ticket into the room."""
        token, role = await doors.ticket(
            wanted.slug, key=wanted.key, pin=wanted.pin, source=origins.source(request)
        )
        return JoinTicket(token=token, role=role.value)

    @api.post("/leave", dependencies=[Depends(our_page)], status_code=204)
    async def leave(seat: LeaveRequest) -> None:
        """Give a seat up; says the same whether there was one or not."""
        doors.leave(seat.session, seat.secret)

    return api
