"""Sizes for tests: every step is taken, none takes long."""

from pathlib import Path

from penstock.bench import Sizes
from penstock.bench.ground import Ground
from penstock.settings import StoreSettings

TINY = Sizes(
    large=400,
    small=200,
    queues=100,
    rounds=2,
    singles=3,
    batches=2,
    each_task=1,
    drained=200,
    pickups=3,
    claims=2,
)


def memory_settings() -> StoreSettings:
    """A store without a bare twin."""
    return StoreSettings(url="memory://", accept_volatile=True)


def sqlite_settings(directory: Path) -> StoreSettings:
    """A store with a bare twin."""
    return StoreSettings(url=f"sqlite:///{directory}/bench.db")


def ground_on(settings: StoreSettings) -> Ground:
    """A measure's part of that store."""
    return Ground(settings=settings, domain="here", sizes=TINY)
