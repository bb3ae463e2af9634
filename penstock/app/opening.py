"""From an engine to an open one: whatever keeps it from that names the section, and what must change there."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from penstock.app.building import naming, refuse_volatile
from penstock.engine import Engine, Feature, Learning, Stamp
from penstock.engines.federated import late_engine
from penstock.errors import SettingsError
from penstock.examination import About, Examining
from penstock.schema import Migrating
from penstock.settings import StoreSettings

PATIENCE = timedelta(seconds=5)  # with a store that was just opened


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
        remedies = await _remedies(store, engine)
    refuse_volatile(name, store, engine, remedies)
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


async def _remedies(store: StoreSettings, engine: Engine) -> Sequence[str]:
    """What would make the open engine durable, as far as it says so; nothing where it need not be."""
    if Feature.DURABLE in engine.features or store.accept_volatile:
        return []
    if not isinstance(engine, Examining):
        return []
    found = (await engine.examine(PATIENCE)).findings
    return [one.change for one in found if one.about is About.DURABILITY]
