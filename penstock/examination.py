"""What a store says of itself before anybody works on it: an optional part of the seam, for `penstock doctor`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Level(StrEnum):
    """What a finding asks for."""

    OK = "ok"  # nothing
    ADVICE = "advice"  # a look: all works, but not as it might
    WRONG = "wrong"  # a change


class About(StrEnum):
    """What a finding is about."""

    REACH = "reach"
    SERVER = "server"
    DURABILITY = "durability"  # without it the store does not promise `durable`
    SCHEMA = "schema"
    CLOCK = "clock"
    PLACE = "place"  # files, directories, room
    RUNNERS = "runners"
    QUEUES = "queues"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was looked at, and what to change, if anything."""

    level: Level
    about: About
    text: str
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in a store."""

    findings: Sequence[Finding] = ()
    ahead: timedelta | None = None  # the store's clock before this host's; below zero: behind it


@runtime_checkable
class Examining(Protocol):
    """What an engine that can be examined offers beside the seam. It need not be open."""

    async def examine(self, patience: timedelta) -> Examination:
        """What can be said of the store as it is; nothing is changed, made or applied.

        Settings that keep it from being opened are findings, not errors. EngineUnavailable where it does not answer in
        time, EngineError where it does not let us in.
        """
        ...


def ok(about: About, text: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, about=about, text=text)


def advice(about: About, text: str, change: str) -> Finding:
    """It would be better so."""
    return Finding(level=Level.ADVICE, about=about, text=text, change=change)


def wrong(about: About, text: str, change: str) -> Finding:
    """It must be changed."""
    return Finding(level=Level.WRONG, about=about, text=text, change=change)


def ahead(store: datetime, *, before: datetime, after: datetime) -> timedelta:
    """How far the store's clock is before ours, which it was asked between these times: what is certain of it."""
    if store > after:
        return store - after
    return store - before if store < before else timedelta(0)
