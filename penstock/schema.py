"""The rules for the schema of a store: numbered migrations, forward only, with which the release before can still work.

A store keeps the names of the migrations that were applied to it. A name that ends in `_needs_0004` says that only
releases that know schema 4 can work on the result; any other migration is one that older releases do not notice.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from penstock.errors import StoreMismatch

_NEEDS = re.compile(r"_needs_(\d{4})\.sql$")


@runtime_checkable
class Migrating(Protocol):
    """What an engine whose stores have a schema offers beside the seam. It need not be open."""

    async def pending(self) -> Sequence[str]:
        """What opening the store would apply to it, by name; nothing is changed.

        EngineUnavailable where the store cannot be reached, StoreMismatch where this release cannot work on it.
        """
        ...

    async def migrate(self) -> Sequence[str]:
        """The store has the present schema; what was applied to it, by name. Twice is fine. Raises as `pending`."""
        ...


def needs(name: str) -> int:
    """The number of the schema that a release must know to work on the result of the migration of this name."""
    found = _NEEDS.search(name)
    return int(found[1]) if found else 0


def unapplied(store: str, applied: Mapping[int, str], known: Mapping[int, str]) -> Sequence[int]:
    """The numbers of the known migrations that the store lacks, in their order.

    StoreMismatch where a newer release has changed the store so that this one cannot work on it, or where what was
    applied is not what this release knows under these numbers.
    """
    _refuse_newer(store, applied, known)
    _refuse_foreign(store, applied, known)
    return [number for number in sorted(known) if number not in applied]


def _refuse_newer(store: str, applied: Mapping[int, str], known: Mapping[int, str]) -> None:
    newest = max(known)
    later = {number: name for number, name in applied.items() if number > newest}
    needed = max((needs(name) for name in later.values()), default=0)
    if needed > newest:
        raise StoreMismatch(
            f"{store} has schema {max(later)}, which needs a release that knows schema {needed}; this Penstock knows "
            f"schemas up to {newest}; install a newer release, or name another store in `url`"
        )


def _refuse_foreign(store: str, applied: Mapping[int, str], known: Mapping[int, str]) -> None:
    newest = max(applied, default=0)
    for number, name in sorted(known.items()):
        found = applied.get(number)
        if found is None and number < newest:
            raise StoreMismatch(
                f"{store} has schema {newest} but lacks the migration {name}; another version of Penstock made it: "
                "run that one, or restore a backup"
            )
        if found not in {None, name}:
            raise StoreMismatch(
                f"{store} has the migration {found} where this Penstock has {name}; another version of Penstock made "
                "it: run that one, or restore a backup"
            )
