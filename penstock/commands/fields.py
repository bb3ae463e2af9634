"""Reads the fields of a command strictly, and remembers every one that is wrong."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from penstock.errors import BadJob, FieldError, nearest
from penstock.serialization import JSON, JSONObject

MIN_SECONDS = 0.001
MAX_SECONDS = 24 * 3600
MOST_ERRORS = 100  # more would help nobody, and each costs time
_SHOWN = 100

T = TypeVar("T")


class Fields:
    """The fields of one object. Whatever is asked for is known; `done` refuses the others."""

    def __init__(self, params: JSONObject) -> None:
        self._params = params
        self._known: list[str] = []
        self._errors: list[FieldError] = []

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        self._known.append(name)
        return name in self._params

    def value(self, name: str) -> JSON:
        """Whatever the field holds; None where it is missing."""
        return self._params[name] if self.has(name) else None

    def text(self, name: str, default: str = "") -> str:
        """The text; the default where it is missing or wrong."""
        value = self.value(name)
        if isinstance(value, str):
            return value
        return self._refuse(name, default, f"write text, not {_kind(value)}")

    def seconds(self, name: str, default: timedelta) -> timedelta:
        """The duration; the default where it is missing or wrong."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._refuse(name, default, f"write a number of seconds, not {_kind(value)}")
        if not MIN_SECONDS <= value <= MAX_SECONDS:
            self.wrong(name, f"{value:g} s is not within {MIN_SECONDS} s and {MAX_SECONDS} s")
            return default
        return timedelta(seconds=value)

    def flag(self, name: str) -> bool:
        """The truth; False where it is missing or wrong."""
        value = self.value(name)
        if isinstance(value, bool):
            return value
        return self._refuse(name, False, f"write true or false, not {_kind(value)}")

    def object(self, name: str) -> JSONObject:
        """The object; an empty one where it is missing or wrong."""
        value = self.value(name)
        if isinstance(value, Mapping):
            return value
        return self._refuse(name, {}, f"write an object, not {_kind(value)}")

    def texts(self, name: str) -> Sequence[str]:
        """The list of texts; an empty one where it is missing or wrong."""
        value = self.value(name)
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return [str(item) for item in value]
        return self._refuse(name, [], "write a list of texts")

    def wrong(self, name: str, detail: str) -> None:
        """Remember that the field is wrong, and what to do; unless so many are wrong that it matters no more."""
        if not self._full:
            self._errors.append(FieldError(name, detail))

    def take(self, error: BadJob) -> None:
        """Remember all that another check found wrong."""
        self._errors += error.errors

    def done(self) -> None:
        """Nothing, if all was well; else BadJob with every wrong and every unknown field, at most 100 of them."""
        for name in self._params:
            if self._full:
                break
            if name not in self._known:
                self.wrong(name[:_SHOWN], f"unknown; {nearest(name[:_SHOWN], self._known)}")
        if self._errors:
            raise BadJob(self._errors)

    @property
    def _full(self) -> bool:
        return len(self._errors) >= MOST_ERRORS

    def _refuse(self, name: str, default: T, detail: str) -> T:
        if name in self._params:
            self.wrong(name, detail)
        return default


def _kind(value: JSON) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case Mapping():
            return "an object"
        case _:
            return "a list"
