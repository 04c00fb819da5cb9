"""The page's shell and files, asked in process."""

import gzip
import json
import re

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from config.texts import LANGUAGES
from config.texts.page import page_texts
from gateway.web.api import NO_TELEMETRY, SecurityHeaders
from gateway.web.pages import Page, create_pages
from tests.gateway.web.test_api import Answer, ask


@pytest.fixture(scope="module")
def page() -> Page:
    return Page()


@pytest.fixture
def app(page: Page) -> ASGIApp:
    api = FastAPI(telemetry=NO_TELEMETRY)
    api.include_router(create_pages(page))
    return SecurityHeaders(api)


def static(app: ASGIApp, page: Page, name: str, **more: bytes) -> Answer:
    headers = [(key.replace("_", "-").encode(), value) for key, value in more.items()]
    return ask(app, f"/static/{page.hash}/{name}", headers=headers)


@pytest.mark.parametrize("path", ["/", "/r/weekly-meeting"])
def test_the_shell(app: ASGIApp, page: Page, path: str) -> None:
    answer = ask(app, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    named = re.findall(r'(?:href|src)="([^"]+)"', answer.body.decode())
    assert {name for name in named if ask(app, name).status != 200} == set()
    assert f"/static/{page.hash}/main.js" in named


def test_nothing_inline_and_nothing_from_elsewhere(app: ASGIApp) -> None:
    answer = ask(app, "/")
    html = answer.body.decode()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)|https?://", html)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_no_file_of_the_page_names_another_host(page: Page) -> None:
    allowed = rb"https?://(www\.w3\.org/2000/svg|\[\^)"
    for name, file in page.files.items():
        assert re.sub(allowed, b"", file.body).count(b"https://") == 0, name


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("texts/fr.json", "application/json"),
    ],
)
def test_files_are_kept_for_ever(app: ASGIApp, page: Page, name: str, content_type: str) -> None:
    answer = static(app, page, name)
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_shell_that_is_known_is_not_sent_again(app: ASGIApp) -> None:
    tag = ask(app, "/").headers["etag"]
    answer = ask(app, "/r/elsewhere", headers=[(b"if-none-match", tag.encode())])
    assert answer.status == 304
    assert answer.body == b""
    assert ask(app, "/", headers=[(b"if-none-match", b'W/"0123456789abcdef"')]).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/0123456789abcdef/main.js",
        "/static/{hash}/nothing.js",
        "/static/{hash}/../pages.py",
        "/static/{hash}/index.html",
        "/static/{hash}/texts/de.json",
        "/static/{hash}/",
    ],
)
def test_what_is_not_a_file_of_this_version(app: ASGIApp, page: Page, path: str) -> None:
    assert ask(app, path.format(hash=page.hash)).status == 404


def test_files_are_compressed_for_those_who_take_it(app: ASGIApp, page: Page) -> None:
    plain = static(app, page, "main.js")
    zipped = static(app, page, "main.js", accept_encoding=b"br, gzip")
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(zipped.body) == plain.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts(app: ASGIApp, page: Page, language: str) -> None:
    texts = json.loads(static(app, page, f"texts/{language}.json").body)
    assert texts == page_texts(language)  # type: ignore[arg-type]


def test_the_hash_follows_every_file(page: Page) -> None:
    assert Page().hash == page.hash
    assert re.fullmatch(r"[0-9a-f]{16}", page.hash)


@pytest.mark.parametrize("path", ["/", "/r/weekly"])
def test_head(app: ASGIApp, path: str) -> None:
    assert ask(app, path, method="HEAD").status == 200


def test_what_travels_to_a_browser_is_small(page: Page) -> None:
    sent = [page.shell, *(file for name, file in page.files.items() if name != "texts/fr.json")]
    assert sum(len(file.zipped) for file in sent) < 64 * 1024
