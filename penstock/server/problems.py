"""From errors to problem documents (RFC 9457): whose fault it was, which field, what to do.

400: the body cannot be read. 422: it was read, and a field is wrong. What we did not foresee is logged and answered 500
without its inner details. Outside of `/v1` a path or method that is not there is answered as the Queue Server did.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.errors import (
    BadJob,
    EngineUnavailable,
    FieldError,
    KeyReused,
    NotAllowed,
    UnknownJob,
    UnknownType,
    WrongState,
)
from penstock.server.body import TooLarge, Unreadable, UnsupportedMedia

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
NATIVE = "/v1/"
LEGACY_STATUS = "/jobs/status/"
RETRY_AFTER = {"Retry-After": "1"}  # seconds

_MOST_FIELDS = 100
_LONGEST_FIELD = 200
_LONGEST_DETAIL = 1000


class NotReady(EngineUnavailable):
    """Not every part of this server works now."""

    def __init__(self, troubles: dict[str, str]) -> None:
        self.troubles = troubles
        super().__init__(f"{'; '.join(f'{part}: {why}' for part, why in troubles.items())}")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of error is told."""

    status: int
    code: str
    title: str


_INTERNAL = Kind(500, "internal", "Internal Server Error")
_BY_STATUS = {
    404: Kind(404, "not_found", "Not Found"),
    405: Kind(405, "method_not_allowed", "Method Not Allowed"),
}
_KINDS: dict[type[BaseException], Kind] = {
    Unreadable: Kind(400, "unreadable", "Bad Request"),
    NotAllowed: Kind(403, "not_allowed", "Forbidden"),
    UnknownJob: Kind(404, "unknown_job", "Not Found"),
    WrongState: Kind(409, "wrong_state", "Conflict"),
    TooLarge: Kind(413, "too_large", "Content Too Large"),
    UnsupportedMedia: Kind(415, "unsupported_media_type", "Unsupported Media Type"),
    BadJob: Kind(422, "bad_job", "Unprocessable Content"),
    UnknownType: Kind(422, "unknown_type", "Unprocessable Content"),
    KeyReused: Kind(422, "key_reused", "Unprocessable Content"),
    EngineUnavailable: Kind(503, "unavailable", "Service Unavailable"),
    NotReady: Kind(503, "not_ready", "Service Unavailable"),
}


class Problems:
    """Lets no error of the application inside it out, but answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer what goes wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Starlette's router raises its 404 and 405 only inside of an application; else it answers plain text.
        scope["app"] = self
        sent = _Sent(send)
        try:
            await self._app(scope, receive, sent)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception as error:
            _note(error, scope)
            if sent.started:
                raise
            await answer(error, scope["path"])(scope, receive, send)


class _Sent:
    """Sends, and remembers whether an answer was begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)


def answer(error: Exception, path: str) -> Response:
    """The answer to a request for this path that ended in this error."""
    headers = _headers(error)
    if path.startswith(NATIVE):
        return _problem(error, path, headers)
    match error:
        case HTTPException(status_code=404):
            return _plain(404, {"message": "Not found"}, headers)
        case HTTPException(status_code=405):
            allow = headers["Allow"].removesuffix(", HEAD")  # the original did not tell it
            told = {"message": f"Method not allowed. Must be one of: {allow}"}
            return _plain(405, told, {"Allow": allow})
        case UnknownJob() if path.startswith(LEGACY_STATUS):
            return _plain(404, {"status": 404, "data": "Job not found"}, headers)
    return _problem(error, path, headers)


def document(error: Exception, path: str) -> dict[str, object]:
    """The problem that the error is to the caller."""
    kind = _kind(error)
    return {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": _detail(error, kind)[:_LONGEST_DETAIL],
        "instance": path,
        "code": kind.code,
        "errors": [
            {"field": wrong.field[:_LONGEST_FIELD], "detail": wrong.detail[:_LONGEST_DETAIL]}
            for wrong in _errors(error)[:_MOST_FIELDS]
        ],
    }


def _problem(error: Exception, path: str, headers: dict[str, str]) -> Response:
    told = document(error, path)
    return Response(msgspec.json.encode(told), _kind(error).status, headers, PROBLEM_TYPE)


def _plain(status: int, told: Mapping[str, object], headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(told), status, headers, "application/json")


def _kind(error: Exception) -> Kind:
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, _INTERNAL)
    found = (_KINDS[kind] for kind in type(error).__mro__ if kind in _KINDS)
    return next(found, _INTERNAL)


def _detail(error: Exception, kind: Kind) -> str:
    match error:
        case HTTPException(status_code=404):
            return "nothing is at this path"
        case HTTPException(status_code=405):
            return f"this path takes {_headers(error)['Allow']}"
        case EngineUnavailable() if not isinstance(error, NotReady):
            return str(EngineUnavailable())  # what the driver said is for our log
    return "this is our fault, and it is logged" if kind is _INTERNAL else str(error)


def _errors(error: Exception) -> tuple[FieldError, ...]:
    match error:
        case BadJob(errors=errors):
            return errors
        case NotAllowed(field=field) if field:
            return (FieldError(field, str(error)),)
        case NotReady(troubles=troubles):
            return tuple(FieldError(part, why) for part, why in troubles.items())
    return ()


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case EngineUnavailable():
            return RETRY_AFTER
        case HTTPException(headers={"Allow": allow}):
            return {"Allow": ", ".join(sorted(allow.split(", ")))}
    return {}


def _note(error: Exception, scope: Scope) -> None:
    method, path = scope["method"], scope["path"]
    if _kind(error) is _INTERNAL:
        log.error("%s %a failed", method, path, exc_info=error)
    elif isinstance(error, EngineUnavailable) and not isinstance(error, NotReady):
        log.warning("%s %a was answered 503: %s", method, path, error)
