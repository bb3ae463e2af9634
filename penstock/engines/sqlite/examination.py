"""What can be said of a file before anybody works on it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from penstock.engines.sqlite.connection import in_our_words, open_to_read
from penstock.engines.sqlite.place import refuse_network
from penstock.engines.sqlite.times import span
from penstock.errors import EngineError
from penstock.examination import About, Examination, Finding, advice, ok, wrong

MEBIBYTE = 2**20
LITTLE = 1024 * MEBIBYTE
TOO_LITTLE = 64 * MEBIBYTE
FOR_ALL = 0o007

Allowed = Callable[[Path, int], bool]


def examine(path: Path, now: int) -> Examination:
    """What is found; nothing is changed, and no file made. `now` is the host's time."""
    directory = path.parent
    if not directory.is_dir():
        missing = wrong(About.PLACE, f"{directory} is no directory", "make it, or correct `url`")
        return Examination(findings=[missing])
    findings = [*_network(path), *rights(path), *room(shutil.disk_usage(directory).free)]
    return Examination(findings=findings, ahead=_ahead(path, now) if path.exists() else None)


def rights(path: Path, allowed: Allowed = os.access) -> Iterator[Finding]:
    """Whether this user may work on the file, and whether nobody else may read it."""
    if not allowed(path.parent, os.W_OK | os.X_OK):
        change = "make it writable for the user that runs Penstock"
        yield wrong(About.PLACE, f"{path.parent} cannot be written by this user", change)
    if not path.exists():
        return
    if not allowed(path, os.R_OK | os.W_OK):
        change = "make it writable for the user that runs Penstock"
        yield wrong(About.PLACE, f"{path} cannot be written by this user", change)
    if path.stat().st_mode & FOR_ALL:
        yield advice(About.PLACE, f"everybody may open {path}", f"chmod o= {path}")


def room(free: int) -> Iterator[Finding]:
    """Whether so many bytes are enough."""
    told = f"{free // MEBIBYTE} MiB are free on the disk"
    if free >= LITTLE:
        yield ok(About.PLACE, told)
    elif free >= TOO_LITTLE:
        yield advice(About.PLACE, told, "make room, or keep ended jobs for a shorter time")
    else:
        yield wrong(About.PLACE, told, "make room; pushes will be refused when it is full")


def _network(path: Path) -> Iterator[Finding]:
    try:
        refuse_network(path)
    except EngineError as error:
        what, _, change = str(error).partition("; ")
        yield wrong(About.PLACE, what, change)


def _ahead(path: Path, now: int) -> timedelta | None:
    """How far the file's time, which never goes back, is before the host's; None where the file has none."""
    with in_our_words(path), closing(open_to_read(path)) as connection:
        if "store" not in {name for (name,) in connection.run("open.tables")}:
            return None
        return max((span(last - now) for (last,) in connection.run("open.last_now")), default=None)
