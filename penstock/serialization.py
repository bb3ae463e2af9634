"""JSON, and the rules it must keep before a job may carry it."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from penstock.errors import BadJob, nearest

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"
JSONObject: TypeAlias = Mapping[str, JSON]
_Path: TypeAlias = list[str | int]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NESTED = 100_000  # lists and objects in one text; each costs far more than its two bytes
MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
MAX_SAID = 8 * 1024  # characters of the words of an error

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_PLACED = re.compile(r"(.*) - at `(?:key` in `)?\$\.?(.*)`", re.DOTALL)
_NAMING = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_SHOWN_DIGITS = 20
_SHOWN_KEY = 100
_COMPARED = 50  # characters of an unknown name


def plain(value: object) -> object:
    """A value of somebody's own kind of text, number or mapping as the plain one that it stands for."""
    match value:
        case str():
            return "".join(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


_encoder = msgspec.json.Encoder(enc_hook=plain)
_sorted_encoder = msgspec.json.Encoder(enc_hook=plain, order="deterministic")


def encode(value: object) -> str:
    """The JSON text of a value that keeps the rules."""
    return _encoder.encode(value).decode()


def digest(value: JSON) -> str:
    """A fingerprint that is equal exactly for equal values, whatever the order of their keys.

    SHA-256 over canonical JSON in the manner of RFC 8785; `1` and `1.0` differ.
    """
    return hashlib.sha256(_sorted_encoder.encode(value)).hexdigest()


def stored(result: object, *, most: int) -> str | None:
    """The text of a result in at most so many bytes: what is no JSON, or longer, as the beginning of its text."""
    if result is None:
        return None
    try:
        check(result, field="result")
        text = encode(result)
    except Exception as error:  # noqa: BLE001 - the work is done; its result must not undo that
        return encode({"truncated": True, "text": _shown(result), "reason": said(error)})
    if len(text.encode()) <= most:
        return text
    characters = most // 4 - 100  # each may take 4 bytes
    return encode({"truncated": True, "text": text[:characters], "length": len(text)})


def said(error: BaseException) -> str:
    """The words of an error, as far as they can be had and kept."""
    try:
        return str(error)[:MAX_SAID].encode("utf-8", "replace").decode()
    except Exception:  # noqa: BLE001 - of whatever kind it is
        return f"a {type(error).__name__} without words"


def _shown(result: object) -> str:
    try:
        return ascii(result)[:MAX_SAID]
    except Exception:  # noqa: BLE001 - of whatever kind it is, it cannot be shown
        return f"a {type(result).__name__} that cannot be shown"


def decode(text: str) -> JSON:
    """The value of JSON text that this module wrote; ValueError if it is none."""
    try:
        value: JSON = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error
    return value


def parse(text: bytes, *, field: str = "body") -> JSON:
    """The value of JSON text from outside.

    Raises BadJob, naming the field, for what cannot be kept and given back unchanged: not JSON, not UTF-8, above
    1 MiB, deeper than 32, more than 100,000 lists and objects, a repeated key, NaN or an infinite number, an integer
    beyond 64 bits, a lone surrogate, NUL.
    """
    if len(text) > MAX_BYTES:
        raise BadJob.field(field, f"{len(text)} bytes; at most {MAX_BYTES} are taken")
    if _opened(text) > MAX_NESTED and _opened(_STRING.sub(b"", text)) > MAX_NESTED:
        raise BadJob.field(field, f"more than {MAX_NESTED} lists and objects; send fewer")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except UnicodeDecodeError as error:
        raise BadJob.field(field, "not UTF-8; send UTF-8 text") from error
    except RecursionError as error:
        raise BadJob.field(field, f"nested deeper than {MAX_DEPTH}") from error
    except json.JSONDecodeError as error:
        raise BadJob.field(field, f"not JSON: {error}") from error
    except ValueError as error:
        raise BadJob.field(field, str(error)) from error
    check(value, field=field)
    checked: JSON = value
    return checked


def explained(
    error: msgspec.ValidationError, known: Callable[[str], Iterable[str]] = lambda path: ()
) -> BadJob:
    """What the error of a conversion means to whoever sent the value, with the field named as a path.

    `known` tells the names that an object at a path may hold.
    """
    text = str(error) or "is not taken"
    placed = _PLACED.fullmatch(text)
    message, path = placed.groups() if placed else (text, "")
    naming = _NAMING.fullmatch(message)
    if naming is None:
        return BadJob.field(path, f"{message[0].lower()}{message[1:]}")
    problem, name = naming.groups()
    place = f"{path}.{name}" if path else name
    if problem == "missing required":
        return BadJob.field(place, "is missing")
    return unknown(place, name, known(path))


def unknown(place: str, name: str, known: Iterable[str]) -> BadJob:
    """The error of a name at this place that is none of the known ones."""
    names = list(known)
    advice = nearest(name[:_COMPARED], names) if names else "leave it out"
    return BadJob.field(place, f"is unknown; {advice}")


def _opened(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def is_whole(text: str) -> bool:
    """Whether UTF-8 can write the text: it holds no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check(value: object, *, field: str) -> None:
    """Nothing, if the value can be kept as JSON and given back unchanged; else BadJob naming the place."""
    _check(value, [field])


def _check(value: object, path: _Path) -> None:
    """As check. The path leads to the value; it is only joined for an error, as keys may be long and many."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int):
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise _wrong(path, "an integer beyond 64 bits; send it as a string")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _wrong(path, "not a finite number; JSON has no NaN and no Infinity")
    else:
        _check_nested(value, path)


def _check_nested(value: object, path: _Path) -> None:
    if len(path) > MAX_DEPTH:
        raise _wrong(path, f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        _check_object(value, path)
    elif isinstance(value, list | tuple):
        path.append(0)
        for path[-1], item in enumerate(value):
            _check(item, path)
        path.pop()
    else:
        kind = type(value).__name__
        raise _wrong(path, f"a {kind} is no JSON; use null, true, text, numbers, lists, objects")


def _check_object(value: Mapping[object, object], path: _Path) -> None:
    for key in value:
        if not isinstance(key, str):
            raise _wrong(path, f"key {key!r:.{_SHOWN_KEY}} is no string; JSON keys are strings")
        _check_text(key, path)
    path.append("")
    for key, item in value.items():
        path[-1] = str(key)
        _check(item, path)
    path.pop()


def _check_text(text: str, path: _Path) -> None:
    if "\0" in text:
        raise _wrong(path, "holds a NUL character; remove it")
    if not is_whole(text):
        raise _wrong(path, "holds half of a surrogate pair; send whole characters")


def _wrong(path: _Path, detail: str) -> BadJob:
    first, *steps = path
    return BadJob.field(f"{first}{''.join(_step(step) for step in steps)}", detail)


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step[:_SHOWN_KEY]}"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key[:100]!a} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON; send a finite number or null")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"number {text[:_SHOWN_DIGITS]} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > _SHOWN_DIGITS or not MIN_INTEGER <= int(text) <= MAX_INTEGER:
        raise ValueError(f"integer {text[:_SHOWN_DIGITS]} is beyond 64 bits; send it as a string")
    return int(text)
