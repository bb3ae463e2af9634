"""Runs every case of the suite for each engine whose test file here has a `harness` fixture."""

import pytest

from penstock.conformance.harness import Case, Harness, needed
from penstock.conformance.suite import every_case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `case` once for each, named `<engine>-<file of the case>::<case>`."""
    engine = metafunc.module.__name__.rpartition("test_")[2]
    if "case" in metafunc.fixturenames:
        named = [pytest.param(case, id=f"{engine}-{name}") for name, case in every_case()]
        metafunc.parametrize("case", named)


@pytest.fixture(autouse=True)
def _promised(case: Case, harness: Harness) -> None:
    """Skip a case about something that the engine does not promise, and say what."""
    missing = needed(case) - harness.engine.features
    if missing:
        pytest.skip(f"the engine does not promise: {', '.join(sorted(missing))}")
