"""What a runner and a process of its own tell each other: one JSON object a line, from here to there and back."""

from typing import TypeAlias

import msgspec

from penstock.job import Job
from penstock.policy import Failed, GaveUp, Happened, Returned, Stopped

MAX_LINE = 1024 * 1024  # bytes, from a process; results and log messages are cut long before
MAX_LOGGED = 16 * 1024  # characters of a log message, and of its traceback


class Task(msgspec.Struct, tag="task", frozen=True, kw_only=True):
    """Run this job."""

    place: str  # module:name of its class
    job: Job
    idempotency_key: str
    level: int  # below it nothing need be logged


class Stop(msgspec.Struct, tag="stop", frozen=True):
    """The job shall end."""


class Reported(msgspec.Struct, tag="reported", frozen=True, kw_only=True):
    """Its handler reports progress."""

    percent: float
    message: str


class Logged(msgspec.Struct, tag="logged", frozen=True, kw_only=True):
    """A log record."""

    name: str
    level: int
    message: str
    traceback: str = ""
    of_job: bool = False  # whether it carries the job's id and type


class Ended(msgspec.Struct, tag="ended", frozen=True, kw_only=True):
    """What the job came to; to nothing, where it was stopped."""

    returned: Returned | None = None
    failed: Failed | None = None
    gave_up: GaveUp | None = None

    @property
    def happened(self) -> Happened | None:
        """The one of them that there is."""
        return self.returned or self.failed or self.gave_up


ToChild: TypeAlias = Task | Stop
FromChild: TypeAlias = Reported | Logged | Ended

_encoder = msgspec.json.Encoder()
_to_child: msgspec.json.Decoder[ToChild] = msgspec.json.Decoder(Task | Stop)
_from_child: msgspec.json.Decoder[FromChild] = msgspec.json.Decoder(Reported | Logged | Ended)


def line_of(message: ToChild | FromChild) -> bytes:
    """The message as a line."""
    return _encoder.encode(message) + b"\n"


def for_child(line: bytes) -> ToChild:
    """The message in a line that a runner wrote."""
    return _to_child.decode(line)


def from_child(line: bytes) -> FromChild:
    """The message in a line that a process wrote."""
    return _from_child.decode(line)


def ended(happened: Happened | None) -> Ended:
    """The message that the job came to this."""
    match happened:
        case Returned():
            return Ended(returned=happened)
        case Failed():
            return Ended(failed=happened)
        case GaveUp():
            return Ended(gave_up=happened)
        case Stopped() | None:
            return Ended()
