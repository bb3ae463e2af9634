"""Variables named `PENSTOCK_<SECTION>_<KEY>`: which key each of them means, and what it sets.

`PENSTOCK_SERVER_PORT` is `[server] port`, `PENSTOCK_QUEUES_SEND_MAIL_MAX_ATTEMPTS` is
`[queues.send_mail] max_attempts`. A name that the file has already is meant whatever its case, and
with `_` for what a variable's name cannot hold.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from penstock.errors import SettingsError, nearest
from penstock.settings.kinds import inner_section, keys_of, named_section, read_text
from penstock.settings.sections import Settings
from penstock.settings.source import Keys, Source

PREFIX = "PENSTOCK_"
READ_ELSEWHERE = "PENSTOCK_CONFIG"
OF_TESTS = "PENSTOCK_TEST_"
# What Kubernetes sets for a service that is called penstock: none of ours.
OF_SERVICES = re.compile(r"PENSTOCK_(SERVICE_(HOST|PORT\w*)|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)\w*)")


@dataclass(frozen=True, slots=True)
class Meant:
    """The key that a variable means, and its kind."""

    keys: Keys
    kind: object


def put_over(tree: dict[str, object], environ: Mapping[str, str], source: Source) -> None:
    """What the variables set stands in the tree, and the source knows which variable set what.

    Raises SettingsError, naming the variable, for an unknown one and for a value that is none of its kind.
    """
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and not _is_of_others(variable):
            _put(tree, variable, environ[variable], source)


def _is_of_others(variable: str) -> bool:
    return (
        variable == READ_ELSEWHERE
        or variable.startswith(OF_TESTS)
        or OF_SERVICES.fullmatch(variable) is not None
    )


def _put(tree: dict[str, object], variable: str, text: str, source: Source) -> None:
    rest = variable.removeprefix(PREFIX).lower()
    meant = _meant(rest, Settings)
    if meant is None:
        known = (f"{PREFIX}{name.upper()}" for name in _known(rest))
        raise SettingsError(f"{variable}: unknown variable; {nearest(variable, known)}")
    *names, key = meant.keys
    sections: list[str] = []
    for name in names:
        section = _named(tree, name, variable)
        sections.append(section)
        inner = tree.setdefault(section, {})
        if not isinstance(inner, dict):
            raise source.refusal_of_section(tuple(sections), "expected a section")
        tree = inner
    keys = (*sections, key)
    source.variables[keys] = variable
    try:
        tree[key] = read_text(text, meant.kind)
    except ValueError as error:
        raise source.refusal(keys, str(error)) from error


def _named(tree: Mapping[str, object], name: str, variable: str) -> str:
    """The section of this name as the file writes it."""
    same = [one for one in tree if one == name] or [
        one for one in tree if _as_variable(one) == name
    ]
    if len(same) > 1:
        raise SettingsError(f"{variable}: may mean {' or '.join(same)}; set it in the file")
    return same[0] if same else name


def _as_variable(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def _meant(rest: str, section: type) -> Meant | None:
    for key, kind in _longest_first(section):
        if rest == key and inner_section(kind) is None and named_section(kind) is None:
            return Meant((key,), kind)
        if rest.startswith(f"{key}_"):
            below = _meant_below(rest.removeprefix(f"{key}_"), kind)
            if below is not None:
                return Meant((key, *below.keys), below.kind)
    return None


def _meant_below(rest: str, kind: object) -> Meant | None:
    inner, named = inner_section(kind), named_section(kind)
    if inner is not None:
        return _meant(rest, inner)
    for key, kind_of_key in _longest_first(named) if named is not None else ():
        name = rest.removesuffix(f"_{key}")
        if name and name != rest:
            return Meant((name, key), kind_of_key)
    return None


def _longest_first(section: type) -> list[tuple[str, object]]:
    return sorted(keys_of(section).items(), key=lambda item: -len(item[0]))


def _known(rest: str, section: type = Settings) -> Iterator[str]:
    """The names that variables can have; for [stores.<name>] and the like, with the name that was meant."""
    for key, kind in keys_of(section).items():
        inner, named = inner_section(kind), named_section(kind)
        if inner is not None:
            yield from (f"{key}_{below}" for below in _known(rest, inner))
        elif named is not None:
            for below in keys_of(named):
                yield f"{key}_{_name_in(rest, below)}_{below}"
        else:
            yield key


def _name_in(rest: str, key: str) -> str:
    """What stands between the first word and as many last words as the key has."""
    words = rest.split("_")[1:]
    return "_".join(words[: -len(key.split("_"))]) or "<name>"
