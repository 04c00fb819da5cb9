"""What the machine must have for these settings: ports, files open, certificate, database, recordings.

Whether the settings fit each other was told when they were loaded; here the machine is asked. Each check
gives problems with the key to change; none changes anything. ``passerelle serve`` asks before it starts
for what is quick, ``passerelle check`` for everything. Both also tell what stops nothing but was probably
not meant (``of_no_use``).
"""

import errno
import os
import socket
from collections.abc import Iterator, Mapping

from bridge.announcer import Announcer
from config.outcome import PasserelleError
from config.prompts import find, find_music, find_room_names, find_unused
from config.settings import Problem, Settings, misspelt
from config.texts import LANGUAGES
from gateway import certificate
from gateway.process import calls_possible, files_needed, raise_file_limit
from rooms.store.state import look

KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
HINTS = {
    errno.EADDRINUSE: "stop what uses it, perhaps Passerelle itself, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: ip address shows which it has",
    errno.EACCES: "ports below 1024 are for root: choose a higher one, or grant CAP_NET_BIND_SERVICE",
}


async def check_everything(settings: Settings) -> list[Problem]:
    """All that is wrong."""
    return [
        *check_ports(settings),
        *check_files(settings, raise_file_limit()),
        *check_certificate(settings),
        *await check_database(settings),
        *check_prompts(settings),
    ]


def check_ports(settings: Settings) -> Iterator[Problem]:
    """Can every address and port be bound? Bound and let go."""
    for index, listener in enumerate(settings.sip.listen):
        yield from _bindable(f"sip.listen[{index}]", listener.transport, listener.host, listener.port)
    for section, addresses in (("media", settings.media.address), ("webrtc", settings.webrtc.address)):
        for index, host in enumerate(addresses):
            yield from _bindable(f"{section}.address[{index}]", "udp", host, 0)
    for host in settings.webrtc.address or settings.media.address:
        if any(_bindable("", "udp", host, 0)):  # told above
            continue
        for transport in KINDS:
            yield from _bindable("webrtc.port", transport, host, settings.webrtc.port)
    yield from _bindable("http.listen", "tcp", settings.http.listen.host, settings.http.listen.port)


def _bindable(key: str, transport: str, host: str, port: int) -> Iterator[Problem]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = f"{transport}:{f'[{host}]' if ':' in host else host}:{port}"
    try:
        with socket.socket(family, KINDS[transport]) as probe:
            if transport == "tcp":  # else a connection of a moment ago would count as in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        yield Problem(key, f"{place} cannot be bound: {reason}", HINTS.get(error.errno or 0, ""))


def check_files(settings: Settings, limit: int) -> Iterator[Problem]:
    """Are there file descriptors for so many calls, if ``limit`` may be open?"""
    calls = settings.limits.calls
    if limit < files_needed(calls):
        message = f"{calls} calls take {files_needed(calls)} open files, but only {limit} are allowed"
        hint = "raise the limit, by ulimit -n or LimitNOFILE="
        if possible := calls_possible(limit):
            hint += f", or set {possible} calls"
        yield Problem("limits.calls", message, hint)


def check_certificate(settings: Settings) -> Iterator[Problem]:
    """Are certificate and key there, and do they belong together?"""
    if settings.http.tls is None:
        return
    try:
        certificate.check(*settings.http.tls)
    except PasserelleError as error:
        yield Problem("http.certificate", str(error), error.hint)


async def check_database(settings: Settings) -> list[Problem]:
    """Is the database there, of our version or older, and does the secret file belong to it?"""
    try:
        await look(settings.database.url, settings.database.secret_file)
    except PasserelleError as error:
        return [Problem("database", str(error), error.hint)]
    return []


def check_prompts(settings: Settings) -> Iterator[Problem]:
    """Is every recording there, and can it be decoded?"""
    try:
        folder = settings.ivr.prompts
        Announcer.load(find(folder, LANGUAGES), find_room_names(folder), find_music(folder))
    except PasserelleError as error:
        yield Problem("ivr.prompts", str(error), error.hint)


def of_no_use(settings: Settings | None, environ: Mapping[str, str]) -> Iterator[Problem]:
    """What was set, but is nowhere looked for. ``settings``: None where they cannot be read."""
    yield from misspelt(environ)
    folder = settings.ivr.prompts if settings else None
    for file, near in find_unused(folder, LANGUAGES).items():
        hint = (
            f"did you mean {near}?" if near else "the names are those of the shipped ones, in config/prompts"
        )
        yield Problem("ivr.prompts", f"{file} is never heard: no recording is called that", hint)
