"""The SQL of the engine, read from its files: `claim.take` is the step `take` of `claim.sql`.

A name after a colon is a value, which the driver writes into the text. What stands between `-- each` and
`-- then` (or the end) is repeated for each row, with a comma between, or with what stands behind `each`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

Escape = Callable[[object], str]
Values = Mapping[str, object]
Migration = tuple[int, str, Sequence[str]]  # number, name, statements

_STEP = re.compile(r"^-- step: (\w+)\n", re.MULTILINE)
_EACH = re.compile(r"^-- each\b *(.*)\n", re.MULTILINE)
_THEN = re.compile(r"^-- then\n", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)
_VALUE = re.compile(r"(?<![:\w]):([a-z_]+)")
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")

_HERE = files("penstock.engines.mariadb")


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of SQL and the names of the values in it, in their order."""

    pattern: str
    names: tuple[str, ...]

    def write(self, values: Values, escape: Escape) -> str:
        """The text with the values in it."""
        return self.pattern % tuple([escape(values[name]) for name in self.names])


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, perhaps with a part that is repeated for each row."""

    name: str
    head: Text
    each: Text | None
    between: str
    tail: Text

    @property
    def answers(self) -> bool:
        """Whether rows come back."""
        first = self.head if self.head.pattern or self.each is None else self.each
        return first.pattern.startswith(("select", "with"))

    def write(self, values: Values, rows: Sequence[Values], escape: Escape) -> str:
        """The statement for these values and rows."""
        head = self.head.write(values, escape)
        if self.each is None:
            return head
        each = self.each
        return (
            head
            + self.between.join([each.write(row, escape) for row in rows])
            + self.tail.write(values, escape)
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A step with its values."""

    step: Step
    values: Values
    rows: Sequence[Values] = ()


def call(step: str, /, **values: object) -> Call:
    """The step of this name, with these values."""
    return Call(steps()[step], values)


def call_each(step: str, rows: Sequence[Values], /, **values: object) -> Call:
    """The step of this name for each of these rows, of which there must be one."""
    return Call(steps()[step], values, rows)


@cache
def steps() -> Mapping[str, Step]:
    """Every statement by its name: the file's, and the step's where the file has several."""
    paths = [
        path
        for folder in (_HERE / "sql", _HERE / "steps")
        for path in folder.iterdir()
        if path.name.endswith(".sql")
    ]
    return {step.name: step for path in paths for step in _steps_of(path)}


@cache
def migrations() -> Sequence[Migration]:
    """Number, name and statements of every step of the schema, the first one first."""
    found = []
    for file in (_HERE / "migrations").iterdir():
        if named := _MIGRATION.fullmatch(file.name):
            text = _COMMENT.sub("", file.read_text("utf-8"))
            statements = [part.strip() for part in text.split(";\n") if part.strip()]
            found.append((int(named[1]), file.name, statements))
    return sorted(found)


def _steps_of(path: Traversable) -> list[Step]:
    verb = path.name.removesuffix(".sql")
    whole, *named = _STEP.split(path.read_text("utf-8"))
    if not named:
        return [_step(verb, whole)]
    pairs = zip(named[::2], named[1::2], strict=True)
    return [_step(f"{verb}.{step}", text) for step, text in pairs]


def _step(name: str, text: str) -> Step:
    head, *repeated = _EACH.split(text)
    if not repeated:
        return Step(name, _text(head), None, "", _text(""))
    between, body = repeated
    each, *tail = _THEN.split(body)
    joined = f"\n{between.strip()}\n" if between.strip() else ",\n"
    return Step(name, _text(head), _text(each), joined, _text("".join(tail)))


def _text(raw: str) -> Text:
    text = _COMMENT.sub("", raw).rstrip().rstrip(";") + "\n" if raw.strip() else ""
    pattern = _VALUE.sub("%s", text.lstrip().replace("%", "%%"))
    return Text(pattern, tuple(_VALUE.findall(text)))
