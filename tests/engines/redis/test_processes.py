"""Processes that want the same at once."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from penstock.conformance.builders import OTHER, assert_conserved, counts_of, jobs, push
from penstock.job import Counts
from tests.engines.redis.child import KEYS
from tests.engines.redis.harness import RedisHarness

ROOT = Path(__file__).parents[3]
PROCESSES = 3
JOBS = 1000

pytestmark = [pytest.mark.server, pytest.mark.slow]


async def test_processes_that_work_at_once_do_each_job_once_and_store_equal_ones_once(
    harness: RedisHarness,
) -> None:
    ids = await push(harness.engine, *jobs(*map(str, range(JOBS))))
    command = [sys.executable, "-m", "tests.engines.redis.child", harness.url]
    children = [
        await asyncio.create_subprocess_exec(
            *command, f"worker-{n}", stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        for n in range(PROCESSES)
    ]
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"open\n"

    outputs = await asyncio.gather(*(child.communicate(b"go\n") for child in children))

    said = [[[*map(int, line.split())] for line in out.splitlines()] for out, _ in outputs]
    stored, shares = [first for first, _ in said], [second for _, second in said]
    assert Counter(id for share in shares for id in share) == Counter(ids)
    assert sum(map(bool, shares)) > 1, "one process got everything: nothing was raced for"
    assert await counts_of(harness.engine) == Counts(done=JOBS, pushed=JOBS)
    assert len({id for share in stored for id in share}) == sum(map(len, stored)) == KEYS
    assert await counts_of(harness.engine, OTHER) == Counts(ready=KEYS, pushed=KEYS)
    await assert_conserved(harness.engine)
