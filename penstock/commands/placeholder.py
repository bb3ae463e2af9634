"""`__JOBID__` in a command: the id of its job, or in a callback of the job that is reported on."""

import re
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from penstock.job import JobId
from penstock.serialization import JSON, JSONObject

PLACEHOLDER = "__JOBID__"

_AUTHORITY = re.compile(r"[^:/?#]*://[^/?#]*")


@runtime_checkable
class Fillable(Protocol):
    """A handler whose params may hold the placeholder."""

    def fill(self, params: JSONObject, id: JobId) -> JSONObject:
        """The params with the id in the placeholder's places."""
        ...


def fill(value: JSON, id: JobId) -> JSON:
    """The value with the id wherever a text in it holds the placeholder; keys stay as they are."""
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, str(id))
    if isinstance(value, Mapping):
        return {key: fill(item, id) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, id) for item in value]
    return value


def fill_url(url: str, id: JobId) -> str:
    """The URL with the id in its path and query; whatever says where it leads stays as it is."""
    authority = _AUTHORITY.match(url)
    start = authority.end() if authority else 0
    return url[:start] + url[start:].replace(PLACEHOLDER, str(id))
