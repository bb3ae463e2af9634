"""What keeps a store from being opened names its section and what must change."""

from pathlib import Path

import pytest

from penstock.app import Penstock, naming
from penstock.app.opening import open_store
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import (
    EngineError,
    EngineUnavailable,
    SettingsError,
    StoreMismatch,
    UnsupportedFeature,
)
from penstock.settings import Settings, StoreSettings
from tests.engines.sqlite.harness import is_empty


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (EngineUnavailable("away"), EngineUnavailable),
        (StoreMismatch("another"), StoreMismatch),
        (SettingsError("wrong"), SettingsError),
        (EngineError("refused"), SettingsError),
        (UnsupportedFeature("no"), SettingsError),
    ],
)
def test_an_error_names_the_section(raised: Exception, told: type[Exception]) -> None:
    with pytest.raises(told) as found, naming("main"):
        raise raised

    assert type(found.value) is told
    assert str(found.value) == f"[stores.main] {raised}"


async def test_a_store_that_may_not_be_migrated_is_not(tmp_path: Path) -> None:
    store = StoreSettings(url=f"sqlite:///{tmp_path}/a.db", migrate=False)
    engine = SqliteEngine(store.url)

    with pytest.raises(SettingsError, match=r"^\[stores.main\] the schema lacks .* `penstock mig"):
        await open_store("main", store, engine)

    assert is_empty(tmp_path)
    await engine.migrate()
    await open_store("main", store, engine)
    await engine.close()


async def test_an_engine_without_a_schema_may_be_opened_all_the_same() -> None:
    store = StoreSettings(url="memory://", migrate=False, accept_volatile=True)

    await open_store("main", store, MemoryEngine())


async def test_a_partition_is_named_and_not_its_federation(tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path}/no/a.db"
    stores = {
        "wide": StoreSettings(partitions={"east": 1}),
        "east": StoreSettings(url=missing),
    }

    with pytest.raises(SettingsError, match=r"^\[stores.east\] "):
        await Penstock(Settings(stores=stores)).open()
