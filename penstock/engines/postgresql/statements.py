"""Reads the SQL files: named parameters become the driver's numbered ones, shared parts are put in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_COMMENT = re.compile(r"^\s*--(?! include ).*\n", re.MULTILINE)
_INCLUDE = re.compile(r"^-- include (\w+)(,?)\n", re.MULTILINE)
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")

_HERE = files(__package__)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, as the driver takes it, and the names of its parameters in their order."""

    text: str
    parameters: tuple[str, ...]

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of the parameters."""
        return [values[name] for name in self.parameters]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    text: str


@cache
def load(verb: str) -> Statement:
    """The statement in `sql/<verb>.sql`."""
    text = _read(_HERE / "sql" / f"{verb}.sql")
    parameters = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    numbers = {name: f"${number}" for number, name in enumerate(parameters, start=1)}
    return Statement(_PARAMETER.sub(lambda found: numbers[found[1]], text), parameters)


def verbs() -> list[str]:
    """All verbs that have a statement, but for what opens a store."""
    names = [file.name.removesuffix(".sql") for file in (_HERE / "sql").iterdir() if file.is_file()]
    return sorted(name for name in names if not opens(name))


def opens(verb: str) -> bool:
    """True if the statement is a step of opening a store, before which it has no functions."""
    return verb.startswith("open_")


def migrations() -> list[Migration]:
    """All steps of the schema, the first one first."""
    found = []
    for file in (_HERE / "migrations").iterdir():
        if named := _MIGRATION.fullmatch(file.name):
            found.append(Migration(int(named[1]), file.name, file.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def published() -> list[str]:
    """All functions that others call, and those that these call, each as the statement that makes it."""
    files = sorted((_HERE / "published").iterdir(), key=lambda file: file.name)
    return [f"{file.read_text('utf-8').rstrip().removesuffix(';')};\n" for file in files]


def _read(file: Traversable) -> str:
    text = _COMMENT.sub("", file.read_text("utf-8"))
    return _INCLUDE.sub(_part, text)


def _part(include: re.Match[str]) -> str:
    part = _read(_HERE / "sql" / "parts" / f"{include[1]}.sql")
    return part.rstrip() + include[2] + "\n"
