"""Ground on both kinds of store: with a bare twin and without."""

from pathlib import Path

import pytest

from penstock.bench.ground import Ground
from tests.bench.tiny import ground_on, memory_settings, sqlite_settings


@pytest.fixture(params=["memory", "sqlite"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    """Each kind in turn."""
    return ground_on(memory_settings() if request.param == "memory" else sqlite_settings(tmp_path))


@pytest.fixture
def sqlite(tmp_path: Path) -> Ground:
    """With a bare twin."""
    return ground_on(sqlite_settings(tmp_path))


@pytest.fixture
def memory() -> Ground:
    """Without."""
    return ground_on(memory_settings())
