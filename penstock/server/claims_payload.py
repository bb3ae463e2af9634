"""From JSON to what a remote worker wants and says, purely; errors name the field as the request calls it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeVar

import msgspec

from penstock.errors import BadJob, FieldError
from penstock.handler import MAX_MESSAGE
from penstock.job import MAX_NAME, Progress, is_name
from penstock.policy import MAX_PAUSE, MAX_RESULT, Failed, Happened, Returned, Stopped
from penstock.remote import UNCLAIMABLE, Wish
from penstock.serialization import JSON, JSONObject, stored
from penstock.server.fields import taken

MAX_CLAIMS = 1000
MAX_NAMES = 100
MAX_ERROR = 8 * 1024  # bytes
MAX_WORKER = 255  # characters
NO_REASON = "failed; its worker gave no reason"

Ttl = Annotated[float, msgspec.Meta(ge=1, le=3600)]  # seconds
Wait = Annotated[float, msgspec.Meta(ge=0, le=60)]  # seconds
After = Annotated[float, msgspec.Meta(ge=0, le=MAX_PAUSE.total_seconds())]  # seconds
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_CLAIMS)]
Worker = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WORKER)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Message = Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)]

TTL = 30.0

Fields = TypeVar("Fields", bound=msgspec.Struct)
Read = TypeVar("Read")


class WishFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /v1/claims` takes."""

    types: list[str]
    domains: list[str] | None = None
    limit: Limit | None = None
    ttl: Ttl | None = None
    wait: Wait | None = None
    worker: Worker | None = None


class AckFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A claim whose job is done."""

    claim: str
    result: object = None


class ReleaseFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A claim that is given back."""

    claim: str
    after: After | None = None


class FailureFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A claim whose job failed."""

    claim: str
    error: str
    after: After | None = None  # of a retry


class RenewFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A claim that shall go on."""

    claim: str


class TtlFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long renewed claims shall go on."""

    ttl: Ttl | None = None


class ProgressFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `PUT /v1/jobs/{id}/progress` takes."""

    percent: Percent
    message: Message | None = None
    claim: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a worker wants, and how long it will wait."""

    wish: Wish
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Renewal:
    """The claims that shall go on, and for how long."""

    claims: Sequence[str]
    ttl: timedelta


End = tuple[str, Happened]


def wish(body: JSONObject) -> Asked:
    """Which jobs are wanted, by whom."""
    fields = taken(body, WishFields)
    errors = [*_wrong_names(fields.types, "types"), *_wrong_names(fields.domains, "domains")]
    errors += [
        FieldError(f"types[{index}]", f"{type} jobs are sent by Penstock alone")
        for index, type in enumerate(fields.types)
        if type in UNCLAIMABLE
    ]
    if errors:
        raise BadJob(errors)
    wanted = Wish(
        types=frozenset(fields.types),
        domains=None if fields.domains is None else frozenset(fields.domains),
        limit=fields.limit or 10,
        ttl=timedelta(seconds=fields.ttl or TTL),
        worker=fields.worker or "remote",
    )
    return Asked(wanted, timedelta(seconds=fields.wait or 0))


def acks(body: JSONObject) -> Sequence[End]:
    """The claims whose jobs are done."""
    return [(one.claim, _done(one)) for one in _claims(body, AckFields)]


def releases(body: JSONObject) -> Sequence[End]:
    """The claims that are given back; their jobs have not been begun."""
    return [(one.claim, _given_back(one)) for one in _claims(body, ReleaseFields)]


def retries(body: JSONObject) -> Sequence[End]:
    """The claims whose jobs failed, and may be tried again."""
    return [(one.claim, _failed(one)) for one in _claims(body, FailureFields, _check_error)]


def burials(body: JSONObject) -> Sequence[End]:
    """The claims whose jobs failed for good."""
    return [(one.claim, _buried(one)) for one in _claims(body, FailureFields, _check_error)]


def renewal(body: JSONObject) -> Renewal:
    """The claims that shall go on."""
    ttl = taken({"ttl": body.get("ttl")}, TtlFields).ttl
    rest = {name: value for name, value in body.items() if name != "ttl"}
    claims = [one.claim for one in _claims(rest, RenewFields)]
    return Renewal(claims, timedelta(seconds=ttl or TTL))


def progress(body: JSONObject) -> tuple[Progress, str | None]:
    """How far a job is, and the claim that says so, if it does."""
    fields = taken(body, ProgressFields)
    return Progress(percent=fields.percent, message=fields.message or ""), fields.claim


def _claims(
    body: JSONObject,
    kind: type[Fields],
    check: Callable[[Fields], None] = lambda fields: None,
) -> Sequence[Fields]:
    """Those under `claims`, or the one that stands alone; BadJob with the wrong fields of the first wrong one."""
    if "claims" not in body:
        if "claim" not in body:
            raise BadJob.field("claims", 'is missing; send {"claims": [{"claim": …}, …]}')
        return [_claim(body, kind, check)]
    _refuse_beside(body)
    items = body["claims"]
    if not isinstance(items, list):
        raise BadJob.field("claims", "is no list; send one object for each claim")
    if len(items) > MAX_CLAIMS:
        raise BadJob.field("claims", f"{len(items)} claims; at most {MAX_CLAIMS} in one request")
    found: list[Fields] = []
    for index, item in enumerate(items):
        try:
            found.append(_claim(item, kind, check))
        except BadJob as error:
            raise error.below(f"claims[{index}]") from error
    return found


def _refuse_beside(body: JSONObject) -> None:
    for name in body:
        if name != "claims":
            raise BadJob.field(name, "stands beside claims; send it with each of them")


def _claim(item: JSON, kind: type[Fields], check: Callable[[Fields], None]) -> Fields:
    fields = taken(item, kind)
    check(fields)
    return fields


def _check_error(fields: FailureFields) -> None:
    size = len(fields.error.encode())
    if size > MAX_ERROR:
        raise BadJob.field("error", f"{size} bytes; at most {MAX_ERROR}")


def _done(fields: AckFields) -> Happened:
    return Returned(result=stored(fields.result, most=MAX_RESULT))


def _given_back(fields: ReleaseFields) -> Happened:
    return Stopped(started=False, after=timedelta(seconds=fields.after or 0))


def _failed(fields: FailureFields) -> Happened:
    after = None if fields.after is None else timedelta(seconds=fields.after)
    return Failed(error=fields.error or NO_REASON, after=after)


def _buried(fields: FailureFields) -> Happened:
    return Failed(error=fields.error or NO_REASON, permanent=True)


def _wrong_names(names: Sequence[str] | None, field: str) -> Sequence[FieldError]:
    if names is None:
        return ()
    if not 0 < len(names) <= MAX_NAMES:
        return [FieldError(field, f"{len(names)} names; send 1 to {MAX_NAMES}")]
    return [
        FieldError(
            f"{field}[{index}]",
            f"{name[:MAX_NAME]!a} is no name; use 1 to {MAX_NAME} of A-Z a-z 0-9 _ . : -",
        )
        for index, name in enumerate(names)
        if not is_name(name)
    ]
