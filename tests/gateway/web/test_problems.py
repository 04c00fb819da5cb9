"""Errors have one shape, wherever they arise."""

from __future__ import annotations

import json

import pytest
from fastapi import APIRouter
from starlette.types import ASGIApp

from gateway.web.api import create_api
from gateway.web.problems import MAX_BODY, Problem
from tests.gateway.web.test_api import Answer, ask

JSON = (b"content-type", b"application/json")


def app() -> ASGIApp:
    """Takes a JSON object, or fails."""
    routes = APIRouter()

    @routes.post("/api/echo")
    async def echo(wanted: Problem) -> Problem:
        return wanted

    @routes.get("/api/bug")
    async def bug() -> None:
        raise RuntimeError("4815")

    return create_api(lambda: None, lambda: b"", routes)


def problem_of(answer: Answer, status: int, code: str) -> str:
    """The message, the shape looked at."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body = answer.json()
    assert body.keys() == {"code", "message"}
    assert body["code"] == code
    return str(body["message"])


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/docs"])
def test_an_unknown_path(path: str) -> None:
    assert "nothing at this path" in problem_of(ask(app(), path), 404, "not_found")


def test_an_unknown_method() -> None:
    answer = ask(app(), "/api/echo", method="DELETE")
    problem_of(answer, 405, "bad_method")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("length", "chunks"), [(b"%d" % (MAX_BODY + 1), 0), (None, 3)], ids=["announced", "chunked"]
)
def test_a_large_body(length: bytes | None, chunks: int) -> None:
    headers = [JSON, *([(b"content-length", length)] if length else [])]
    answer = ask(app(), "/api/echo", method="POST", headers=headers, body=[b" " * (MAX_BODY // 2)] * chunks)
    assert f"at most {MAX_BODY} octets" in problem_of(answer, 413, "too_long")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body: Field required"),
        (b"{", "the body is no JSON, at character 1: "),
        (b'{"code": 4815, "message": ""}', "body.code: Input should be a valid string"),
        (b"[" * 30_000, "not too deeply nested"),
        (b'{"code": "\xff"}', "JSON in UTF-8"),
        (json.dumps({"code": "4815"}).encode(), "body.message: Field required"),
    ],
)
def test_what_is_wrong_with_a_body(body: bytes, said: str) -> None:
    answer = ask(app(), "/api/echo", method="POST", headers=[JSON], body=[body])
    message = problem_of(answer, 400, "invalid")
    assert said in message
    assert "4815" not in message


def test_a_bug_of_ours_is_no_traceback() -> None:
    answer = Answer()
    with pytest.raises(RuntimeError):  # for the log, after the answer
        ask(app(), "/api/bug", answer=answer)
    assert "4815" not in problem_of(answer, 500, "unexpected")
