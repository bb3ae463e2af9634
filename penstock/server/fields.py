"""What may be sent: the fields of each kind of body, and the errors that name them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from penstock.serialization import JSON, explained

Object: TypeAlias = dict[str, object]
Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Fields = TypeVar("Fields", bound=msgspec.Struct)


class LegacyFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /jobs/add` takes."""

    command: Object
    callback_done: Object | None = None
    priority: int | None = None
    context: str | None = None


class RootFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`root`: the family of a job."""

    signature: str
    timestamp: Time
    is_self: bool = False


class CallbackFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`callbacks`: whom to tell of which end."""

    done: Object | None = None
    failed: Object | None = None


class JobFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /v1/jobs` takes, and each item of a batch."""

    type: str | None = None
    params: Object | None = None
    command: Object | None = None  # in place of type and params
    callback_done: Object | None = None
    domain: str | None = None
    context: str | None = None
    priority: int | None = None
    delay: float | None = None  # seconds
    run_at: Time | None = None
    dedupe: bool | list[str] | None = None
    root: RootFields | None = None
    max_attempts: int | None = None
    timeout: float | None = None  # seconds
    callbacks: CallbackFields | None = None


class BatchFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /v1/jobs/batch` takes."""

    jobs: list[object]
    atomic: bool = True


class ManyFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /v1/jobs/cancel`, `/retry` and `/delete` take."""

    ids: list[int]
    dry_run: bool = False


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {"root": RootFields, "callbacks": CallbackFields}


def taken(value: JSON, kind: type[Fields]) -> Fields:
    """The value's fields, each of its type; else BadJob naming the first wrong one."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise explained(error, lambda path: _SECTIONS.get(path, kind).__struct_fields__) from error
