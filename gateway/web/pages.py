"""The page: one shell for the start page and every room, and the files it is made of.

There is no build step: what stands in ``page/`` is what browsers get. All files are read once, and served
below one path that names a hash of them all, ``/static/<hash>/``, so that they may be kept for ever, modules
find each other by relative names, and a page never mixes files of two versions. The shell itself is asked for
each time (an ETag makes that cheap), as it names the hash.

Everything comes from here: the content security policy allows nothing inline and nothing from elsewhere.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from string import Template

from fastapi import APIRouter, HTTPException, Request, Response

from config.texts import LANGUAGES
from config.texts.page import page_texts

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self)"

FOR_EVER = "public, max-age=31536000, immutable"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
STYLES = ("base.css", "entry.css", "stage.css", "meeting.css")
"""In the order of the cascade."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served, plain and compressed."""

    content_type: str
    body: bytes
    zipped: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> "File":
        """Take the content type from the name's ending."""
        return cls(CONTENT_TYPES[PurePath(name).suffix], body, gzip.compress(body, mtime=0))

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """The file, compressed for whoever takes it so."""
        headers = {**headers, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                self.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=self.content_type
            )
        return Response(self.body, headers=headers, media_type=self.content_type)


class Page:
    """All files of the page, in memory."""

    def __init__(self) -> None:
        folder = resources.files("gateway.web.page")
        sources = {
            file.name: file.read_bytes()
            for file in folder.iterdir()
            if PurePath(file.name).suffix in CONTENT_TYPES
        }
        shell = sources.pop("index.html").decode()
        for language in LANGUAGES:
            texts = json.dumps(dict(page_texts(language)), ensure_ascii=False, separators=(",", ":"))
            sources[f"texts/{language}.json"] = texts.encode()
        self.files = {name: File.of(name, body) for name, body in sources.items()}
        self.hash = _hash(shell, sources)
        base = f"/static/{self.hash}/"
        modules = sorted(name for name in sources if name.endswith(".js"))
        links = [f'<link rel="stylesheet" href="{base}{name}">' for name in STYLES]
        links += [f'<link rel="modulepreload" href="{base}{name}">' for name in modules]
        self.shell = File.of(
            "index.html", Template(shell).substitute(base=base, links="\n".join(links)).encode()
        )


def _hash(shell: str, sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(shell.encode())
    for name in sorted(sources):
        digest.update(f"\0{name}\0{len(sources[name])}\0".encode() + sources[name])
    return digest.hexdigest()[:16]


def create_pages(page: Page | None = None) -> APIRouter:
    """Routes for the start page, the rooms' page and their files. The files are read here, once."""
    page = page or Page()
    pages = APIRouter()
    shell_headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "ETag": f'W/"{page.hash}"',
        "Permissions-Policy": PERMISSIONS_POLICY,
    }

    @pages.head("/", include_in_schema=False)
    @pages.get("/", include_in_schema=False)
    @pages.head("/r/{slug}", include_in_schema=False)
    @pages.get("/r/{slug}", include_in_schema=False)
    async def shell(request: Request) -> Response:
        """The page; which screen it shows is its own business."""
        if shell_headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=shell_headers)
        return page.shell.response(request, shell_headers)

    @pages.head("/static/{digest}/{name:path}", include_in_schema=False)
    @pages.get("/static/{digest}/{name:path}", include_in_schema=False)
    async def static(request: Request, digest: str, name: str) -> Response:
        """One file. A hash of another version is not ours: the shell has to be asked for again."""
        file = page.files.get(name) if digest == page.hash else None
        if file is None:
            raise HTTPException(404)
        return file.response(request, {"Cache-Control": FOR_EVER})

    return pages
