"""What a key may hold: read from TOML or from a variable, and told in words where it does not fit."""

from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec

_SHOWN = 60


def keys_of(section: type) -> Mapping[str, object]:
    """The keys of a section, each with its kind."""
    return {key: _given(kind) for key, kind in get_type_hints(section, include_extras=True).items()}


def inner_section(kind: object) -> type[msgspec.Struct] | None:
    """The section that this kind is, if it is one."""
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def named_section(kind: object) -> type[msgspec.Struct] | None:
    """The section that stands below each name of this kind, as in [stores.<name>], if it is such a kind."""
    return inner_section(get_args(kind)[1]) if get_origin(kind) is dict else None


def read(value: object, kind: object) -> object:
    """The value as its kind has it; ValueError, saying what is expected, where it is none."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(value, kind) from error


def read_text(text: str, kind: object) -> object:
    """The value that the text of a variable stands for; a list is parted by commas, and may be empty."""
    text = text.strip()
    if get_origin(kind) is tuple:
        return read([part.strip() for part in text.split(",")] if text else [], kind)
    if get_origin(kind) is dict:
        return read(_parted(text, kind), kind)
    if not text:
        raise ValueError(f"is empty; give {expected(kind)}, or unset it")
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(text, kind) from error


def expected(kind: object) -> str:
    """What the kind takes, in words."""
    if get_origin(kind) is Annotated:
        plain, *limits = get_args(kind)
        return f"{expected(plain)}{''.join(map(_limit, limits))}"
    if get_origin(kind) is tuple:
        return f"a list, each item {expected(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"names, each with {expected(get_args(kind)[1])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(one.value) for one in kind)}"
    words = {bool: "true or false", int: "an integer", float: "a number", str: "text"}
    return next(word for plain, word in words.items() if kind is plain)


def _parted(text: str, kind: object) -> dict[str, object]:
    """What `east=60,west=40` says; numbers as numbers, so that a wrong one is told as in a file."""
    found: dict[str, object] = {}
    for part in text.split(",") if text else ():
        name, sign, value = (word.strip() for word in part.partition("="))
        if not name or not sign:
            raise ValueError(f"expected {expected(kind)}, written name=value and parted by commas")
        found[name] = int(value) if value.isdecimal() else value
    return found


def _given(kind: object) -> object:
    """The kind of a value that is there, as a configuration has no word for None."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    [given] = [one for one in get_args(kind) if one is not NoneType]
    return given


def _wrong(value: object, kind: object) -> ValueError:
    if get_origin(kind) is tuple:  # not shown: it may hold secrets
        return ValueError(f"expected {expected(kind)}")
    return ValueError(f"expected {expected(kind)}, not {_shown(value)}")


def _limit(limit: object) -> str:
    match limit:
        case msgspec.Meta(ge=int() | float() as least, le=int() | float() as most):
            return f" from {least} to {most}"
        case msgspec.Meta(min_length=1):
            return " that is not empty"
    raise TypeError(f"no words for {limit!r}")


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a section"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
