"""Opening a store: the schema brought up to date, the number checked, the server's settings read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.engine import Feature, StoreIdentity
from penstock.engines.postgresql import functions
from penstock.engines.postgresql.connection import Database, Row, Transaction
from penstock.engines.postgresql.statements import Migration, migrations, verbs
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id
from penstock.schema import unapplied

OLDEST_VERSION = 15
_ALWAYS = frozenset({Feature.ATOMIC, Feature.SHARED, Feature.WAIT, Feature.DELAY, Feature.ORDER})

# Each statement locks what it moves, and looks again at what changed while it waited. Under a stricter isolation it
# would be refused for every change that it meets.
_ISOLATION = "read committed"


async def features_of(database: Database) -> frozenset[Feature]:
    """What the server, as it is set, can promise. EngineError where it is too old."""
    [found] = await database.fetch("open_settings")
    version = found["version"] // 10_000
    if version < OLDEST_VERSION:
        raise EngineError(
            f"the server is PostgreSQL {version}; use {OLDEST_VERSION} or a newer one"
        )
    if found["read_only"]:
        raise EngineUnavailable(
            "the server takes no writes: a standby, or read-only; point `url` at the primary"
        )
    if found["isolation"] != _ISOLATION:
        raise EngineError(
            f"transactions are {found['isolation']!r} by default; "
            f"set default_transaction_isolation = '{_ISOLATION}' for this user or database"
        )
    return _ALWAYS if found["unsafe"] else _ALWAYS | {Feature.DURABLE}


async def unsafe(database: Database) -> list[str]:
    """The settings that would have to be so for the store to be durable: `fsync = on`."""
    [found] = await database.fetch("open_settings")
    return list(found["unsafe"])


async def pending(database: Database) -> Sequence[str]:
    """What `migrate` would apply. StoreMismatch where this release cannot work on the schema."""
    return (await database.together(_look)).pending


async def migrate(database: Database) -> Sequence[str]:
    """The schema is the present one and has its functions; what was applied. Raises as `pending`.

    Processes that start together take turns. Where nothing is pending nothing is locked, and no right to create needed.
    """
    found = await database.together(_look)
    applied: Sequence[str] = []
    if found.pending:
        applied, found = await database.together(_apply)
    database.call(found.calls)
    return applied


async def identify(database: Database, number: int) -> StoreIdentity:
    """Who the store is; a new one takes this number. StoreMismatch where it has another."""

    async def meet(transaction: Transaction) -> Row:
        await transaction.fetch("open_number", number=number, first_id=first_id(number))
        [own] = await transaction.fetch("open_identity")
        return own

    own = await database.together(meet)
    if own["number"] != number:
        raise StoreMismatch(
            f"the store has number {own['number']}, the configuration says {number}; "
            f"set `number = {own['number']}`, or name another database in `url`"
        )
    return StoreIdentity(uuid=own["uuid"], number=own["number"])


async def keep_policies(database: Database, stamps: Mapping[str, object]) -> None:
    """The store knows these, and no others."""

    async def keep(transaction: Transaction) -> None:
        await transaction.fetch("open_lock")
        await transaction.fetch("open_policies", **stamps)

    await database.together(keep)


@dataclass(frozen=True, slots=True)
class _Found:
    lacking: Sequence[Migration]
    calls: Mapping[str, str]  # how verbs are called, of those that have a function
    is_published: bool  # the functions for others are there

    @property
    def pending(self) -> Sequence[str]:
        """All that is lacking, by name."""
        count = len(verbs()) - len(self.calls)
        is_all = not count and (self.is_published or bool(self.lacking))
        functions = [] if is_all else [f"functions of this release ({count or 1})"]
        return [*(migration.name for migration in self.lacking), *functions]


async def _look(transaction: Transaction) -> _Found:
    [there] = await transaction.fetch("open_there")
    if not there["found"]:
        return _Found(migrations(), {}, is_published=False)
    rows = await transaction.fetch("open_applied")
    applied = {row["number"]: row["name"] for row in rows}
    known = {migration.number: migration for migration in migrations()}
    names = {number: migration.name for number, migration in known.items()}
    lacking = unapplied("the store", applied, names)
    return _Found(
        [known[number] for number in lacking],
        await functions.known(transaction),
        # Before the migrations there is nowhere to look.
        is_published=not lacking and await functions.are_published(transaction),
    )


async def _apply(transaction: Transaction) -> tuple[Sequence[str], _Found]:
    await transaction.fetch("open_lock")
    await transaction.fetch("open_patience")
    await transaction.fetch("open_schema")
    await transaction.fetch("open_migrations")
    found = await _look(transaction)
    for migration in found.lacking:
        await transaction.run(migration.text)
        await transaction.fetch("open_record", number=migration.number, name=migration.name)
    return found.pending, _Found([], await functions.keep(transaction), is_published=True)
