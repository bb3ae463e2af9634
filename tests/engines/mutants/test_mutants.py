"""The suite rejects every engine that breaks a law, and says by which case."""

import pytest

from penstock.conformance.harness import Case, needed
from penstock.conformance.suite import every_case
from penstock.engines.memory import MemoryEngine
from tests.engines.memory_harness import MemoryHarness
from tests.engines.mutants.mutants import MUTANTS


async def rejections(kind: type[MemoryEngine], *, enough: int) -> list[str]:
    """The names of the first cases that this engine fails."""
    failed: list[str] = []
    for name, case in every_case():
        if not needed(case) - kind.features and not await passes(case, kind):
            failed.append(name)
            if len(failed) == enough:
                break
    return failed


async def passes(case: Case, kind: type[MemoryEngine]) -> bool:
    harness = MemoryHarness(kind)
    try:
        await case(harness)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  a case may fail in any way
        return False
    return True


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
async def test_the_suite_rejects(mutant: type[MemoryEngine]) -> None:
    assert await rejections(mutant, enough=1), f"no case notices: {mutant.__doc__}"


async def test_the_suite_accepts_the_reference_by_the_same_road() -> None:
    assert await rejections(MemoryEngine, enough=1) == []


def test_there_is_a_mutant_for_each_law() -> None:
    laws = [mutant.__doc__ for mutant in MUTANTS]

    assert len(laws) >= 35
    assert all(laws)
