"""What an http command asks for, read from its params; no network here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from penstock.commands.fields import Fields
from penstock.commands.form import encode_form
from penstock.commands.target import Target, parse_target
from penstock.errors import BadJob
from penstock.serialization import JSONObject, encode

TIMEOUT = timedelta(seconds=10)
MAX_HEADERS = 64
MAX_HEADER_LETTERS = 8 * 1024

_METHODS = ("GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # params are a form; in the others a query
_WITHOUT_BODY = frozenset({"GET", "HEAD"})
_BODIES = ("json", "body")

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")
# Told by us to every target, or the business of the connection; a command that could set them could
# lie about its job or smuggle a second request.
_OURS = frozenset(
    {
        *("user-agent", "job-id", "job-attempt", "job-type", "idempotency-key", "traceparent"),
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"),
        *("expect", "te", "trailer", "proxy-authorization", "proxy-connection"),
    }
)


# An event is ours from end to end: a receiver must be able to trust what we sign.
_OURS_IN_EVENTS = _OURS | {
    *("content-type", "content-encoding", "webhook-id", "webhook-timestamp", "webhook-signature")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to one target."""

    method: str
    target: Target
    headers: Mapping[str, str] = field(default_factory=dict)  # the command's own
    about: Mapping[str, str] = field(default_factory=dict)  # ours: who asks, for which job
    body: bytes | None = None

    def redirected(self, target: Target) -> "Request":
        """The request for the place it was sent on to: nothing secret leaves the origin, no body travels."""
        same = target.origin == self.target.origin
        method = self.method if self.method in _WITHOUT_BODY else "GET"
        kept = {name: text for name, text in self.headers.items() if name.lower() != "content-type"}
        headers = kept if same else {}
        return replace(self, method=method, target=target, headers=headers, body=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpParams:
    """The params of an http command, checked."""

    request: Request
    timeout: timedelta | None  # None: as the job says, else 10 s
    follow_redirects: bool


def parse_params(params: JSONObject) -> HttpParams:
    """The checked params; BadJob with every wrong field named."""
    fields = Fields(params)
    method = _method(fields)
    target = _target(fields)
    timeout = fields.seconds("timeout", TIMEOUT) if fields.has("timeout") else None
    follow = fields.flag("follow_redirects")
    headers = _headers(fields, _OURS)
    content = _content(fields, method)
    target = _done(fields, target)
    if content.query:
        target = _with_query(target, content.query)
    if content.type and not any(name.lower() == "content-type" for name in headers):
        headers = {**headers, "Content-Type": content.type}
    request = Request(method=method, target=target, headers=headers, body=content.body)
    return HttpParams(request=request, timeout=timeout, follow_redirects=follow)


def parse_event_params(params: JSONObject) -> HttpParams:
    """The checked params of a command that only says where to post an event; BadJob for more than that."""
    fields = Fields(params)
    if fields.text("method", "POST").upper() != "POST":
        fields.wrong("method", "events are sent with POST; leave it out")
    target = _target(fields)
    timeout = fields.seconds("timeout", TIMEOUT) if fields.has("timeout") else None
    headers = _headers(fields, _OURS_IN_EVENTS)
    target = _done(fields, target)
    request = Request(method="POST", target=target, headers=headers)
    return HttpParams(request=request, timeout=timeout, follow_redirects=False)


def _headers(fields: Fields, refused: frozenset[str]) -> Mapping[str, str]:
    checked: dict[str, str] = {}
    seen: set[str] = set()
    given = fields.object("headers")
    if len(given) > MAX_HEADERS:
        fields.wrong("headers", f"are {len(given)}; at most {MAX_HEADERS}")
        return {}
    for name, text in given.items():
        wrong = _wrong_header(name, text, refused, seen)
        if wrong:
            fields.wrong(f"headers.{name[:100]}", wrong)
        seen.add(name.lower())
        checked[name] = str(text)
    letters = sum(len(name) + len(text) for name, text in checked.items())
    if letters > MAX_HEADER_LETTERS:
        fields.wrong("headers", f"have {letters} letters in all; at most {MAX_HEADER_LETTERS}")
    return checked


def _wrong_header(name: str, text: object, refused: frozenset[str], seen: set[str]) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "is no header name; use letters, digits and -"
    if name.lower() in refused:
        return "is set by Penstock; leave it out"
    if name.lower() in seen:
        return "stands twice"
    if not isinstance(text, str):
        return "write text"
    if not _HEADER_TEXT.fullmatch(text):
        return "holds a line break or another letter that no header may carry; use plain ASCII"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    query: str = ""
    body: bytes | None = None
    type: str = ""


def _method(fields: Fields) -> str:
    method = fields.text("method", "GET").upper()
    if method not in _METHODS:
        fields.wrong("method", f"{method[:20]!a} is not sent; use one of {', '.join(_METHODS)}")
    return method


def _target(fields: Fields) -> Target | None:
    url = fields.value("url")
    if not isinstance(url, str):
        fields.wrong("url", "write where to: http://host/path")
        return None
    try:
        return parse_target(url)
    except BadJob as error:
        fields.take(error)
        return None


def _done(fields: Fields, target: Target | None) -> Target:
    fields.done()
    if target is None:
        raise BadJob.field("url", "write where to: http://host/path")
    return target


def _content(fields: Fields, method: str) -> _Content:
    """What params, json and body become: the query of a method without a form, else the one body."""
    params = fields.object("params") if fields.has("params") else None
    bodies = [name for name in _BODIES if fields.has(name)]
    given = [*(["params"] if params is not None and method in _WITH_BODY else []), *bodies]
    if len(given) > 1:
        fields.wrong(given[1], f"stands beside {given[0]}; give one of them")
    if bodies and method in _WITHOUT_BODY:
        fields.wrong(bodies[0], f"{method} carries no body; use POST, or params for the query")
    content = _body(fields, bodies[0]) if bodies else _Content()
    if params is None:
        return content
    if method in _WITH_BODY:
        return _Content(body=encode_form(params).encode(), type="application/x-www-form-urlencoded")
    return replace(content, query=encode_form(params))


def _body(fields: Fields, name: str) -> _Content:
    if name == "json":
        return _Content(body=encode(fields.value("json")).encode(), type="application/json")
    return _Content(body=fields.text("body").encode(), type="text/plain; charset=utf-8")


def _with_query(target: Target, query: str) -> Target:
    joint = "&" if "?" in target.path else "?"
    return replace(target, path=f"{target.path}{joint}{query}")
