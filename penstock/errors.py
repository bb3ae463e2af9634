"""The tree of errors: whose fault it is decides what a caller can do about it.

PenstockError
├── CallerError            the caller's fault; asking again changes nothing
│   ├── BadJob             a field of a job is wrong; names the field
│   │   └── UnknownType    no handler and no queue for that type
│   ├── NotAllowed         a rule of this installation forbids it; names the line to add
│   ├── KeyReused          an idempotency key came back with another body
│   ├── UnknownJob         no such id
│   └── WrongState         the job's state does not allow the move
├── SettingsError          a line of the configuration, or the declaration of a job, must change
├── EngineError            the store cannot do it
│   ├── EngineUnavailable  not now; trying again may help
│   ├── StoreMismatch      another store, another number or a newer schema
│   └── UnsupportedFeature the engine cannot promise what the queue needs
├── BenchFailed            a store that was measured did not keep a promise
└── JobFailed              raised by handlers to say how a job failed
    ├── Retry              try again later
    ├── Bury               never again
    └── Cancel             ended on request
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.clock import duration


class PenstockError(Exception):
    """Something went wrong in Penstock."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or _meaning(type(self)))


class CallerError(PenstockError):
    """What was asked for cannot be done as asked."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it is and what to do."""

    field: str
    detail: str


class BadJob(CallerError):
    """A field of the job is wrong."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{error.field}: {error.detail}" for error in self.errors))

    @classmethod
    def field(cls, field: str, detail: str) -> "BadJob":
        """Make the error of a single field."""
        return cls([FieldError(field, detail)])

    def below(self, prefix: str) -> "BadJob":
        """The same errors, with each field's path starting at `prefix`."""
        return type(self)([FieldError(_join(prefix, e.field), e.detail) for e in self.errors])


class UnknownType(BadJob):
    """No handler and no queue is configured for this job type."""


class NotAllowed(CallerError):
    """This installation does not allow it."""

    def __init__(self, message: str, *, field: str = "", add: str = "") -> None:
        self.message = message
        self.field = field
        self.add = add
        told = f"{message}; to allow it add to penstock.toml, under its section: {add}"
        super().__init__(told if add else message)

    def below(self, prefix: str) -> "NotAllowed":
        """The same refusal, with its field's path starting at `prefix`."""
        return NotAllowed(self.message, field=_join(prefix, self.field), add=self.add)


class KeyReused(CallerError):
    """This Idempotency-Key was used with another body; use a new key for a new request."""


class UnknownJob(CallerError):
    """No job has this id."""


class WrongState(CallerError):
    """The job's state does not allow this."""


class SettingsError(PenstockError):
    """The configuration is wrong."""


class EngineError(PenstockError):
    """The store cannot do this."""


class EngineUnavailable(EngineError):
    """The store cannot be reached now; trying again may help."""


class StoreMismatch(EngineError):
    """This is not the store that the configuration means."""


class UnsupportedFeature(EngineError):
    """The engine cannot promise what this queue needs."""


class BenchFailed(PenstockError):
    """The store that was measured did not keep a promise; its figures mean nothing."""


class JobFailed(PenstockError):
    """The job failed; it is tried again while attempts are left.

    `after` says when: in so many seconds or that timedelta, else after the backoff of the type.
    TypeError or ValueError where it is no duration. `result` is kept where the job ends with this.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        after: timedelta | float | None = None,
        result: object = None,
    ) -> None:
        self.after = None if after is None else duration(after, name="after")
        self.result = result
        super().__init__(message)


class Retry(JobFailed):
    """Try this job again later."""


class Bury(JobFailed):
    """This job can never succeed; it ends dead."""


class Cancel(JobFailed):
    """This job was cancelled by its handler."""


def nearest(key: str, known: Iterable[str]) -> str:
    """What to say of an unknown key: the nearest known one, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(names) or 'none'}"


def _meaning(kind: type[BaseException]) -> str:
    """The first line that says what this kind of error means; a kind without words means what the one above means."""
    told = (one.__doc__ for one in kind.__mro__)
    return next(text.strip().splitlines()[0] for text in told if text and text.strip())


def _join(prefix: str, field: str) -> str:
    if not field or field.startswith("["):
        return f"{prefix}{field}"
    return f"{prefix}.{field}"
