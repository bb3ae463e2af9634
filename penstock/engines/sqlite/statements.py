"""The SQL of the engine, read from its files: `claim.hold` is the step `hold` of `claim.sql`."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from sqlite3 import complete_statement

_STEP = re.compile(r"^-- step: (\w+)\n", re.MULTILINE)


@cache
def statements() -> Mapping[str, str]:
    """Every statement by its name: the file's, and the step's where the file has several."""
    folders = (_here() / "sql", _here() / "steps")
    paths = [path for folder in folders for path in folder.iterdir() if path.name.endswith(".sql")]
    return {name: text for path in paths for name, text in _named(path)}


@cache
def migrations() -> Mapping[int, tuple[str, tuple[str, ...]]]:
    """Name and statements of every migration, by its number, in order."""
    paths = sorted((_here() / "migrations").iterdir(), key=lambda path: path.name)
    return {
        int(path.name.partition("_")[0]): (path.name, tuple(split(path.read_text("utf-8"))))
        for path in paths
        if path.name.endswith(".sql")
    }


def split(script: str) -> Iterator[str]:
    """The statements of a script, each of which ends with a semicolon at the end of a line."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if complete_statement(statement):
            yield statement
            statement = ""


def _named(path: Traversable) -> Iterator[tuple[str, str]]:
    verb = path.name.removesuffix(".sql")
    whole, *steps = _STEP.split(path.read_text("utf-8"))
    if not steps:
        yield verb, whole
    for step, text in zip(steps[::2], steps[1::2], strict=True):
        yield f"{verb}.{step}", text


def _here() -> Traversable:
    return files("penstock.engines.sqlite")
