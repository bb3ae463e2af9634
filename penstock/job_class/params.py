"""The params of a typed job: its fields as JSON, and the fields made of such JSON again."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import islice
from typing import TypeVar, cast

import msgspec

from penstock.errors import BadJob, FieldError, SettingsError
from penstock.serialization import JSON, JSONObject, encode, explained, plain, unknown

MOST_UNKNOWN = 20  # that are named; more would help nobody, and each costs time
_SHOWN = 100

T = TypeVar("T")


def names_of(kind: type) -> tuple[str, ...]:
    """The names of the fields of a dataclass; of anything else none."""
    return _names_of(cast("Hashable", kind))


@lru_cache(maxsize=1000)
def _names_of(kind: Hashable) -> tuple[str, ...]:
    if isinstance(kind, type) and is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return ()


def written(job: object) -> dict[str, JSON]:
    """The fields as JSON; BadJob, naming each field that JSON cannot carry."""
    params: dict[str, JSON] = {}
    errors: list[FieldError] = []
    for name in names_of(type(job)):
        try:
            params[name] = _builtins(_in_order(getattr(job, name)))
        except (TypeError, ValueError, RecursionError) as error:
            errors.append(FieldError(name, f"cannot be kept as JSON: {error}"))
    if errors:
        raise BadJob(errors)
    return params


def _builtins(value: object) -> JSON:
    found: JSON = msgspec.to_builtins(value, str_keys=True, enc_hook=plain)
    return found


def _in_order(value: object) -> object:
    """The value, with its sets as lists in an order that every process finds: hashes of text differ between them."""
    match value:
        case str() | int():
            return value
        case set() | frozenset():
            return sorted((_builtins(_in_order(one)) for one in value), key=encode)
        case list() | tuple():
            return [_in_order(one) for one in value]
        case dict():
            return {key: _in_order(inner) for key, inner in value.items()}
    names = names_of(type(value))
    return {name: _in_order(getattr(value, name)) for name in names} if names else value


def made_of(params: JSONObject, kind: type[T]) -> T:
    """The job that has these params, each of the type of its field.

    Raises BadJob, naming the field, for what is missing, unknown or of another type; SettingsError where the class
    itself cannot be understood.
    """
    errors = list(islice(_foreign(params, names_of(kind)), MOST_UNKNOWN))
    try:
        made = msgspec.convert(dict(params), kind, str_keys=True)
    except msgspec.ValidationError as error:
        wrong = explained(error, lambda path: ())
        raise BadJob([*errors, *wrong.errors]) from error
    except (NameError, TypeError, RecursionError) as error:
        raise not_understood(kind, error) from error
    errors = list(islice(_unknown(params, made, ""), MOST_UNKNOWN))
    if errors:
        raise BadJob(errors)
    return made


def check_kind(kind: type) -> None:
    """Nothing, if jobs of this class can be made of JSON; else SettingsError."""
    try:
        msgspec.json.Decoder(kind)
    except Exception as error:
        raise not_understood(kind, error) from error


def not_understood(kind: type, error: Exception) -> SettingsError:
    """The error of a class whose annotations mean nothing to us."""
    return SettingsError(
        f"class {kind.__qualname__}: {error}; annotate its fields with types that JSON can carry and "
        "that are defined at the top of a module"
    )


def _foreign(given: Mapping[str, object], names: tuple[str, ...]) -> Iterator[FieldError]:
    for name in given:
        if name not in names:
            yield from unknown(name[:_SHOWN], name, names).errors


def _unknown(given: object, made: object, place: str) -> Iterator[FieldError]:
    """What was given for fields that no dataclass in what was made of it has: the conversion leaves it out unsaid."""
    if isinstance(given, Mapping) and is_dataclass(made):
        names = names_of(type(made))
        for wrong in _foreign(given, names):
            yield FieldError(_below(place, wrong.field), wrong.detail)
        for name in names:
            if name in given:
                yield from _unknown(given[name], getattr(made, name), _below(place, name))
    elif isinstance(given, Mapping) and isinstance(made, Mapping):
        yield from _unknown_in_mapping(given, made, place)
    elif isinstance(given, list) and isinstance(made, list | tuple):
        for index, (value, inner) in enumerate(zip(given, made, strict=False)):
            yield from _unknown(value, inner, f"{place}[{index}]")


def _unknown_in_mapping(
    given: Mapping[str, object], made: Mapping[object, object], place: str
) -> Iterator[FieldError]:
    for name, value in given.items():
        if name in made:
            yield from _unknown(value, made[name], _below(place, name[:_SHOWN]))
        elif len(made) < len(given):  # a mapping with names of its own; else a key became a number
            known = [str(key) for key in made]
            yield from unknown(_below(place, name[:_SHOWN]), name, known).errors


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
