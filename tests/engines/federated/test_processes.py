"""Several processes, each with a federation of its own over the same stores."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from penstock.conformance.builders import assert_conserved, counts_of, deadline
from tests.engines.federated.child import over_files

ROOT = Path(__file__).parents[3]
SLOW_START = 45
EACH = 60


async def said_by(what: str, folder: Path, who: str, count: int) -> list[str]:
    """The lines of a process that does this, which must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engines.federated.child", what, str(folder), who, str(count),
        cwd=ROOT, stdout=PIPE,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    return output.decode().splitlines()


@pytest.mark.slow
async def test_two_processes_agree_where_keys_lie_and_two_claim_each_job_once(
    tmp_path: Path,
) -> None:
    engine = over_files(tmp_path)
    await engine.open()

    async with deadline(SLOW_START):
        await asyncio.gather(
            *(said_by("push_equal", tmp_path, who, EACH) for who in ("one", "two"))
        )
        pushed = await counts_of(engine)
        done = await asyncio.gather(
            *(said_by("drain", tmp_path, who, pushed.pushed) for who in ("three", "four"))
        )

    everything = [f"{who} {number}" for who in ("equal", "one", "two") for number in range(EACH)]
    assert pushed.pushed == 3 * EACH
    assert sorted([*done[0], *done[1]]) == sorted(everything)
    assert (await counts_of(engine)).done == 3 * EACH
    await assert_conserved(engine)
    await engine.close()
