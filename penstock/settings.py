"""Typed settings from one TOML file and the environment; unknown keys are refused.

Builds nothing and opens nothing. Every refusal names the line to change.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import msgspec

from penstock.errors import SettingsError
from penstock.job import MAX_STORE_NUMBER, Delivery, Order

PREFIX = "PENSTOCK_"
NOT_SETTINGS = ("PENSTOCK_CONFIG", "PENSTOCK_TEST_")  # read elsewhere
DEFAULT_URL = "sqlite:///penstock.db"

Name = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
StoreNumber = Annotated[int, msgspec.Meta(ge=0, le=MAX_STORE_NUMBER)]


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[stores.<name>]: a place where queues live."""

    url: Name
    number: StoreNumber = 0
    accept_volatile: bool = False


class QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[queues.<type>]: how the jobs of one type are treated; [queues.default] for those without their own."""

    store: str | None = None
    max_attempts: Count | None = None
    backoff: Seconds | None = None  # seconds after the first failure
    backoff_factor: Seconds | None = None
    backoff_max: Seconds | None = None  # seconds
    timeout: Seconds | None = None  # seconds
    ttl: Seconds | None = None  # seconds
    order: str | None = None  # priority, fifo or random
    keep_done: Seconds | None = None  # seconds
    keep_dead: Seconds | None = None  # seconds
    delivery: str | None = None  # at_least_once or at_most_once


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[server]: the HTTP front door."""

    host: str = "127.0.0.1"
    port: Port = 1337
    allow: tuple[str, ...] = ("127.0.0.1", "::1")
    trusted_proxies: tuple[str, ...] = ()
    hosts: tuple[
        str, ...
    ] = ()  # names by which we may be called, beside localhost and addresses of ours
    accept_unknown_types: bool = False


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands.http]: which private targets http commands may reach."""

    allow_private: tuple[str, ...] = ()


class ExecSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands.exec]: which programs exec commands may run."""

    allow: tuple[str, ...] = ()


class CommandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands]: the handlers we ship."""

    http: HttpSettings = HttpSettings()
    exec: ExecSettings = ExecSettings()


class RunnerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[runner]: how jobs are run in this process."""

    slots: Count = 20
    grace: Seconds = 25.0  # seconds that running jobs get at SIGTERM


class CallbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[callbacks]: how events are signed."""

    secrets: tuple[str, ...] = ()  # whsec_…; the first signs, all are sent while rotating


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a configuration can say."""

    stores: dict[str, StoreSettings] = msgspec.field(default_factory=dict)
    queues: dict[str, QueueSettings] = msgspec.field(default_factory=dict)
    server: ServerSettings = ServerSettings()
    commands: CommandSettings = CommandSettings()
    runner: RunnerSettings = RunnerSettings()
    callbacks: CallbackSettings = CallbackSettings()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file, with the environment's `PENSTOCK_<SECTION>_<KEY>` over them.

    Relative SQLite paths count from the file's directory. Raises SettingsError, naming file and line.
    """
    text, tree = _read(path)
    for name, value in environ.items():
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS):
            _set_from_environment(tree, name, value)
    _refuse_unknown(tree, Settings, (), _Source(path, text))
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path or 'environment'}: {error}") from error
    base = path.parent if path else Path()
    return _checked(_with_paths(settings, base), path)


def development(settings: Settings, scripts: Path) -> Settings:
    """The same, with targets on this machine and the example scripts allowed: for trying things out."""
    http = HttpSettings(allow_private=("127.0.0.0/8", "::1", *settings.commands.http.allow_private))
    run = ExecSettings(allow=(f"{scripts}/*.sh **", *settings.commands.exec.allow))
    commands = CommandSettings(http=http, exec=run)
    return msgspec.structs.replace(settings, commands=commands)


class _Source:
    """The text a setting came from, to name its line."""

    def __init__(self, path: Path | None, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def place(self, keys: tuple[str, ...]) -> str:
        """Where the last of these keys stands, as far as it can be found."""
        wanted = re.compile(rf"\s*\[?(?:.*\.)?\s*[\"']?{re.escape(keys[-1])}[\"']?\s*(?:=|\])")
        for number, line in enumerate(self._lines, 1):
            if wanted.match(line):
                return f"{self._path}:{number}: {line.strip()}"
        return f"{self._path or 'environment'}: {'.'.join(keys)}"


def _read(path: Path | None) -> tuple[str, dict[str, object]]:
    if path is None:
        return "", {}
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error


def _refuse_unknown(
    tree: Mapping[str, object], shape: type, path: tuple[str, ...], source: _Source
) -> None:
    fields = get_type_hints(shape)
    for key, value in tree.items():
        keys = (*path, key)
        if key not in fields:
            raise SettingsError(
                f"{source.place(keys)}: unknown key {'.'.join(keys)}; {nearest(key, fields)}"
            )
        _refuse_below(value, fields[key], keys, source)


def _refuse_below(value: object, shape: object, keys: tuple[str, ...], source: _Source) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        _refuse_unknown(value, shape, keys, source)
    elif get_origin(shape) is dict:
        for name, item in value.items():
            _refuse_below(item, get_args(shape)[1], (*keys, name), source)


def nearest(key: str, known: Iterable[str]) -> str:
    """What to say of an unknown key: the nearest known one, or all of them."""
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def _set_from_environment(tree: dict[str, object], name: str, value: str) -> None:
    keys = _keys(name.removeprefix(PREFIX).lower(), Settings)
    if keys is None:
        known = [f"{PREFIX}{'_'.join(path).upper()}" for path in _leaves(Settings)]
        raise SettingsError(f"unknown variable {name}; {nearest(name, known)}")
    *sections, last = keys
    for section in sections:
        inner = tree.setdefault(section, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{name} sets a key of {section}, which is no section")
        tree = inner
    tree[last] = value.split(",") if last in _LISTS else value


_LISTS = frozenset({"allow", "allow_private", "trusted_proxies", "hosts", "secrets"})


def _keys(rest: str, shape: object) -> tuple[str, ...] | None:
    """The keys that a variable's name means: `server_port` is server.port, `stores_main_url` stores.main.url."""
    if get_origin(shape) is dict:
        return _keys_of_named(rest, get_args(shape)[1])
    if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        return None if rest else ()
    fields = get_type_hints(shape)
    for field in sorted(fields, key=len, reverse=True):
        if rest == field:
            return (field,)
        if rest.startswith(f"{field}_"):
            below = _keys(rest.removeprefix(f"{field}_"), fields[field])
            if below is not None:
                return (field, *below)
    return None


def _keys_of_named(rest: str, shape: object) -> tuple[str, ...] | None:
    for field in sorted(get_type_hints(shape), key=len, reverse=True):
        if rest.endswith(f"_{field}"):
            return (rest.removesuffix(f"_{field}"), field)
    return None


def _leaves(shape: type, path: tuple[str, ...] = ()) -> Iterable[tuple[str, ...]]:
    for field, inner in get_type_hints(shape).items():
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from _leaves(inner, (*path, field))
        else:
            yield (*path, field)


def _with_paths(settings: Settings, base: Path) -> Settings:
    stores = settings.stores or {"main": StoreSettings(url=DEFAULT_URL)}
    resolved = {
        name: msgspec.structs.replace(store, url=_resolved(store.url, base))
        for name, store in stores.items()
    }
    return msgspec.structs.replace(settings, stores=resolved)


def _resolved(url: str, base: Path) -> str:
    """A relative SQLite path counts from the file's directory: three slashes are relative, four absolute."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path.startswith("/") or not path:
        return url
    return f"sqlite:///{(base / path).absolute()}"


def _checked(settings: Settings, path: Path | None) -> Settings:
    where = path or "the environment"
    default = settings.queues.get("default")
    if len(settings.stores) > 1 and (default is None or default.store is None):
        raise SettingsError(f'{where}: with several stores add [queues.default] store = "<name>"')
    for type, queue in settings.queues.items():
        if queue.store is not None and queue.store not in settings.stores:
            hint = nearest(queue.store, settings.stores)
            raise SettingsError(
                f"{where}: [queues.{type}] store = {queue.store!r} is no store; {hint}"
            )
    numbers: dict[int, str] = {}
    for name, store in settings.stores.items():
        if store.number in numbers:
            raise SettingsError(
                f"{where}: stores {numbers[store.number]} and {name} have the same number "
                f"{store.number}; add [stores.{name}] number = <another>"
            )
        numbers[store.number] = name
    return settings
