"""Opening a store: the schema brought up to date, the number checked, the server's settings read."""

from collections.abc import Mapping

from penstock.engine import Feature, StoreIdentity
from penstock.engines.postgresql import functions
from penstock.engines.postgresql.connection import Database, Row, Transaction
from penstock.engines.postgresql.statements import migrations
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id

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
    return _ALWAYS | {Feature.DURABLE} if found["durable"] else _ALWAYS


async def migrate(database: Database) -> None:
    """The schema is the present one and has its functions. StoreMismatch where it is newer.

    Processes that start together take turns.
    """

    async def apply(transaction: Transaction) -> Mapping[str, str]:
        await transaction.fetch("open_lock")
        await transaction.fetch("open_patience")
        await transaction.fetch("open_schema")
        await transaction.fetch("open_migrations")
        [newest] = await transaction.fetch("open_applied")
        _refuse_newer(newest["number"])
        for migration in migrations():
            if migration.number > newest["number"]:
                await transaction.run(migration.text)
                await transaction.fetch("open_record", number=migration.number, name=migration.name)
        return await functions.keep(transaction)

    database.call(await database.together(apply))


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


def _refuse_newer(applied: int) -> None:
    newest = migrations()[-1].number
    if applied > newest:
        raise StoreMismatch(
            f"the store has schema {applied}, this Penstock knows schemas up to {newest}; "
            f"run a release that knows {applied}, or name another database in `url`"
        )
