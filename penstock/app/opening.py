"""From an engine to an open one: whatever keeps it from that names the section, and what must change there."""

from collections.abc import Sequence
from functools import partial

from penstock.app.building import naming, refuse_volatile
from penstock.engine import Engine, Learning, Stamp
from penstock.engines.federated import late_engine
from penstock.errors import SettingsError
from penstock.schema import Migrating
from penstock.settings import StoreSettings


async def open_store(
    name: str, store: StoreSettings, engine: Engine, stamps: Sequence[Stamp] = ()
) -> None:
    """The engine is open, at its schema, and safe enough for what is configured; it knows the stamps if it needs to.

    EngineUnavailable where waiting may help. Else SettingsError, or StoreMismatch where it is another store.
    """
    with naming(name):
        if not store.migrate and isinstance(engine, Migrating):
            _refuse_pending(await engine.pending())
        await engine.open()
    refuse_volatile(name, store, engine)
    if isinstance(engine, Learning):
        await engine.learn(stamps)


def late_of(
    name: str, store: StoreSettings, engine: Engine, stamps: Sequence[Stamp] = ()
) -> Engine:
    """The engine of a store that may be away when the process starts; opened as any other."""
    opening = partial(open_store, name, store, stamps=stamps)
    return late_engine(engine, opening, name=name, number=store.number)


def _refuse_pending(pending: Sequence[str]) -> None:
    """SettingsError where something is pending on a store that may not be migrated by whoever opens it."""
    if pending:
        raise SettingsError(
            f"the schema lacks {', '.join(pending)}, and the section says migrate = false; "
            "run `penstock migrate`"
        )
