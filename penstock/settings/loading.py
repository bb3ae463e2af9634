"""From a file and the environment to settings that hold together."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from penstock.errors import SettingsError, nearest
from penstock.job import CALLBACK_TYPE, is_name
from penstock.settings.environment import put_over
from penstock.settings.federations import refuse_wrong_stores
from penstock.settings.kinds import inner_section, keys_of, named_section, read
from penstock.settings.sections import Settings, StoreSettings
from penstock.settings.source import Keys, Source

DEFAULT_URL = "sqlite:///penstock.db"

S = TypeVar("S", bound=msgspec.Struct)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file, with the environment's `PENSTOCK_<SECTION>_<KEY>` over them.

    Relative SQLite paths count from the file's directory, or from the working one. Raises
    SettingsError, naming the line or the variable, for whatever cannot be meant.
    """
    text = "" if path is None else _text(path)
    tree = _parsed(path, text)
    source = Source(path, text)
    put_over(tree, environ, source)
    settings = _section(tree, Settings, (), source)
    _refuse_what_does_not_fit(settings, tree, source)
    return _with_places(settings, path.parent if path else Path())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8; save it as UTF-8") from error


def _parsed(path: Path | None, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SettingsError(f"{path}: is nested too deep") from error
    except tomllib.TOMLDecodeError as error:
        named = re.search(r"at line (\d+)", str(error))
        line = named[1] if named else len(text.splitlines())  # "at end of document"
        raise SettingsError(f"{path}:{line}: is no TOML: {error}") from error


def _section(tree: object, section: type[S], path: Keys, source: Source) -> S:
    """The section, each key of its kind; the first that is not is refused."""
    if not isinstance(tree, dict):
        raise source.refusal_of_section(path, "expected a section")
    kinds = keys_of(section)
    values: dict[str, object] = {}
    for key, value in tree.items():
        keys = (*path, key)
        if key not in kinds:
            unknown = source.refusal_of_section if isinstance(value, dict) else source.refusal
            raise unknown(keys, f"unknown key; {nearest(key, kinds)}")
        values[key] = _value(value, kinds[key], keys, source)
    for field in msgspec.structs.fields(section):
        if field.required and field.name not in values:
            raise source.refusal((*path, field.name), "is missing; add it")
    return section(**values)


def _value(value: object, kind: object, keys: Keys, source: Source) -> object:
    inner, named = inner_section(kind), named_section(kind)
    if inner is not None:
        return _section(value, inner, keys, source)
    if named is not None:
        return _named_sections(value, named, keys, source)
    try:
        return read(value, kind)
    except ValueError as error:
        raise source.refusal(keys, str(error)) from error


def _named_sections(tree: object, section: type[S], path: Keys, source: Source) -> Mapping[str, S]:
    if not isinstance(tree, dict):
        raise source.refusal_of_section(path, "expected a section")
    for name in tree:
        if not is_name(name):
            wanted = "A-Z a-z 0-9 _ . : - and a letter, a digit or _ first"
            raise source.refusal_of_section((*path, name), f"is no name; use {wanted}")
    return {name: _section(tree[name], section, (*path, name), source) for name in tree}


def _refuse_what_does_not_fit(
    settings: Settings, tree: Mapping[str, object], source: Source
) -> None:
    refuse_wrong_stores(settings.stores, tree.get("stores"), source)
    _refuse_equal_numbers(settings.stores, source)
    _refuse_unknown_stores(settings, source)
    default = settings.queues.get("default")
    if len(settings.stores) > 1 and (default is None or default.store is None):
        first, second, *_ = settings.stores
        raise source.refusal_of_section(
            ("stores", second),
            "with several stores one must be where types live that have none of their own; "
            f'add to [queues.default]: store = "{first}"',
        )


def _refuse_equal_numbers(stores: Mapping[str, StoreSettings], source: Source) -> None:
    first: dict[int, str] = {}
    for name, store in stores.items():
        if store.partitions is not None:
            continue
        if store.number in first:
            raise source.refusal(
                ("stores", name, "number"),
                f"{store.number} is the number of store {first[store.number]} too; "
                f"add to [stores.{name}]: number = {max(s.number for s in stores.values()) + 1}",
            )
        first[store.number] = name


def _refuse_unknown_stores(settings: Settings, source: Source) -> None:
    stores = tuple(settings.stores) or ("main",)
    for type, queue in settings.queues.items():
        keys = ("queues", type, "store")
        if queue.store is None:
            continue
        if type == CALLBACK_TYPE:
            raise source.refusal(
                keys, "a callback lives in the store of the job that it reports on; remove it"
            )
        if queue.store not in stores:
            raise source.refusal(
                keys, f"{queue.store!r} is no store; {nearest(queue.store, stores)}"
            )


def _with_places(settings: Settings, base: Path) -> Settings:
    stores = settings.stores or {"main": StoreSettings(url=DEFAULT_URL)}
    resolved = {
        name: msgspec.structs.replace(store, url=_resolved(store.url, base))
        for name, store in stores.items()
    }
    return msgspec.structs.replace(settings, stores=resolved)


def _resolved(url: str, base: Path) -> str:
    """The URL with a whole path: three slashes are relative, four absolute."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path.startswith("/") or not path:
        return url
    return f"sqlite:///{(base / path).absolute()}"
