"""Errors over HTTP, in one shape wherever they arise: ``{"code", "message"}`` (:class:`Problem`).

The page has a text for each code that it may be told; a code that the WebSocket has too
(``conferencing.embedded.messages.Code``) is spelt the same. The message is for whoever writes programs. What
was sent is not repeated: it may have been a PIN. A 429 says in ``Retry-After`` (RFC 9110 section 10.2.3)
after how many seconds it is worth trying again.
"""

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from conferencing.embedded.messages import Code
from config.outcome import Outcome, PasserelleError
from gateway.web.brakes import BrakedError

MAX_BODY = 64 * 1024
"""Octets."""

ERRORS: dict[Outcome, tuple[int, str]] = {
    Outcome.BAD_REQUEST: (400, Code.INVALID),
    Outcome.NOT_FOUND: (404, "no_room"),
    Outcome.NO_PIN: (403, "pin_needed"),
    Outcome.WRONG_PIN: (403, "wrong_pin"),
    Outcome.REMOVED: (403, "forbidden"),
    Outcome.PIN_THROTTLED: (429, "pin_throttled"),
    Outcome.OVERLOADED: (429, "throttled"),
    Outcome.ROOM_FULL: (409, Code.ROOM_FULL),
    Outcome.ROOM_LOCKED: (409, Code.ROOM_LOCKED),
    Outcome.DRAINING: (503, "draining"),
}
"""Status and code; all other outcomes are 503 ``unavailable``."""

_REFUSALS: dict[int, tuple[str, str]] = {
    400: (Code.INVALID, "the body cannot be read: JSON in UTF-8, not too deeply nested, is expected"),
    404: (Code.NOT_FOUND, "there is nothing at this path"),
    405: ("bad_method", "this path does not know the method"),
    413: (Code.TOO_LONG, f"a body of at most {MAX_BODY} octets is taken"),
}
"""What the framework refuses, by status."""


class Problem(BaseModel):
    """Why not."""

    code: str
    message: str


class ForeignOriginError(Exception):
    """A page that is not ours posts."""


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer."""
    return JSONResponse(Problem(code=code, message=message).model_dump(), status_code=status, headers=headers)


class BodyLimit:
    """ASGI middleware: 413 for a body announced too large. What is not announced is counted by FastAPI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        length = dict(scope.get("headers", ())).get(b"content-length", b"0")
        too_large = scope["type"] == "http" and length.isdigit() and int(length) > MAX_BODY
        await (problem(413, *_REFUSALS[413]) if too_large else self._app)(scope, receive, send)


def install_errors(api: FastAPI) -> None:
    """Turn what goes wrong into answers that the page has words for."""

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        outcome = error.outcome if isinstance(error, PasserelleError) else Outcome.INTERNAL
        status, code = ERRORS.get(outcome, (503, Code.UNAVAILABLE))
        headers = {"Retry-After": str(math.ceil(error.wait))} if isinstance(error, BrakedError) else None
        return problem(status, code, str(error) if status < 500 else "the service is unavailable", headers)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        return problem(400, Code.INVALID, f"not understood: {'; '.join(map(_explained, found))}")

    async def foreign(_request: Request, _error: Exception) -> JSONResponse:
        message = "only pages of this service may do this: an Origin header that names it is needed"
        return problem(403, "forbidden", message)

    async def framework(_request: Request, error: Exception) -> JSONResponse:
        status, headers = (
            (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
        )
        code, message = _REFUSALS.get(status, ("unexpected", "this cannot be done"))
        return problem(status, code, message, headers)

    async def failed(_request: Request, _error: Exception) -> JSONResponse:
        return problem(500, "unexpected", "the service has failed; its log says where")

    api.add_exception_handler(PasserelleError, refused)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(ForeignOriginError, foreign)
    api.add_exception_handler(HTTPException, framework)
    api.add_exception_handler(Exception, failed)


def _explained(error: Mapping[str, Any]) -> str:
    """What pydantic found wrong, and where, without what was sent."""
    if error["type"] == "json_invalid":
        return f"the body is no JSON, at character {error['loc'][-1]}: {error['ctx']['error']}"
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
