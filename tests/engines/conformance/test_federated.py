"""A federation passes the suite, but for what can hold within one of its partitions only."""

from collections.abc import AsyncIterator

import pytest

from penstock.conformance.harness import Case
from penstock.errors import UnsupportedFeature
from tests.engines.federated.exceptions import EXCEPTED, EXCEPTED_OF_ONE
from tests.engines.federated.harness import FederatedHarness, in_memory


@pytest.fixture(
    params=[
        "memory-2",
        pytest.param("memory-1", marks=pytest.mark.slow),
        pytest.param("memory-3", marks=pytest.mark.slow),
    ]
)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[FederatedHarness]:
    made = in_memory(int(request.param[-1]), seed=request.node.name)
    await made.engine.open()
    yield made
    await made.close()


async def test_conforms(case: Case, harness: FederatedHarness) -> None:
    excepted = EXCEPTED if len(harness.parts) > 1 else EXCEPTED_OF_ONE
    if case in excepted:
        pytest.skip(excepted[case])
    try:
        await case(harness)
    except UnsupportedFeature as missing:
        pytest.skip(str(missing))
