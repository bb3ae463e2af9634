"""Partitions that break a law are noticed through their federation: the suite asks it as hard as a store."""

import pytest

from penstock.conformance.harness import needed
from penstock.conformance.suite import every_case
from penstock.engines.memory import MemoryEngine
from tests.engines.federated.exceptions import EXCEPTED, EXCEPTED_OF_ONE, EXCEPTIONS
from tests.engines.federated.harness import in_memory
from tests.engines.mutants.mutants import (
    MUTANTS,
    AheadOverTheWholeDomain,
    ConflictingFollowUpIsNamed,
)

pytestmark = pytest.mark.slow

# Only cases that are excepted would tell, so these are rejected on the engines alone.
UNSEEN = {AheadOverTheWholeDomain, ConflictingFollowUpIsNamed}


async def rejections(kind: type[MemoryEngine]) -> list[str]:
    """The name of the first case that a federation over two of this kind fails."""
    for name, case in every_case():
        harness = in_memory(2, kind)
        await harness.engine.open()
        if case in EXCEPTED or needed(case) - harness.engine.features:
            continue
        try:
            await case(harness)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001  a case may fail in any way
            return [name]
    return []


def test_every_exception_is_one_of_a_case() -> None:
    assert len(EXCEPTED) == len(EXCEPTIONS)
    assert len(EXCEPTED_OF_ONE) == 1


@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if one not in UNSEEN], ids=lambda mutant: mutant.__name__
)
async def test_the_suite_rejects_a_federation_over(mutant: type[MemoryEngine]) -> None:
    assert await rejections(mutant), f"no case notices: {mutant.__doc__}"


async def test_the_suite_accepts_a_federation_over_the_reference() -> None:
    assert await rejections(MemoryEngine) == []
