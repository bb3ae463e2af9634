"""A connection that is cut at every exchange of every verb: it has happened or it has not, and never by half."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from penstock.conformance.builders import assert_conserved, everything, name_of
from penstock.engine import Engine
from penstock.errors import EngineUnavailable
from penstock.job import Job, JobId
from tests.engines.failures.acts import ACTS, prepare
from tests.engines.failures.proxy import MOST_EXCHANGES, Fault, Proxy
from tests.engines.failures.stores import Store
from tests.engines.memory_harness import MemoryHarness

EVER = datetime(2026, 1, 1, tzinfo=UTC)

Picture = Mapping[str, object]


async def picture(engine: Engine) -> Picture:
    """All that can be read of a store, without ids and times."""
    stored = {job.id: job for job in await everything(engine)}
    told = {name_of(job): _without_ids(job, stored) for job in stored.values()}
    counts = {queue: counts for queue, counts in (await engine.counts()).items() if counts.pushed}
    workers = {shown.worker for shown in await engine.workers()}
    return {**told, "counts": counts, "paused": await engine.paused(), "workers": workers}


async def expected(verb: str) -> tuple[Picture, Picture]:
    """Before and after, as the reference has it."""
    harness = MemoryHarness()
    await harness.engine.open()
    await prepare(harness.engine, harness.age)
    before = await picture(harness.engine)
    await ACTS[verb](harness.engine)
    return before, await picture(harness.engine)


@pytest.mark.slow
@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("verb", ACTS)
async def test_a_verb_whose_connection_is_cut_has_happened_or_not(
    verb: str, store: Store, proxy: Proxy, engine: Engine
) -> None:
    before, after = await expected(verb)
    direct = store.engine()
    await direct.open()
    await prepare(direct, store.age)
    assert await picture(engine) == before

    for exchange, fault in product(range(MOST_EXCHANGES), Fault):
        if not await cut_at(exchange, fault, verb, proxy, engine):
            break
        found = await picture(direct)
        assert found in (before, after)
        if found == after != before:
            assert fault is Fault.ANSWER
            break
    else:
        raise AssertionError("whatever was cut, it has not happened")
    assert await picture(engine) == after
    await assert_conserved(direct)
    await direct.close()


async def cut_at(exchange: int, fault: Fault, verb: str, proxy: Proxy, engine: Engine) -> bool:
    """The connection was cut at this exchange, and the verb said so. False: the verb is done, it has fewer."""
    await engine.paused()  # after a cut, the next call works
    cuts = proxy.cuts
    proxy.cut(fault, after=exchange)
    try:
        await ACTS[verb](engine)
    except EngineUnavailable:
        assert proxy.cuts == cuts + 1
        await proxy.settled()
        return True
    assert proxy.cuts == cuts, "it was cut, and nobody was told"
    proxy.pass_all()
    return False


def _without_ids(job: Job, stored: Mapping[JobId, Job]) -> object:
    follow_ups = tuple((each.on, name_of(stored[each.id])) for each in job.follow_ups)
    times = job.run_at is None, job.claimed_at is None, job.finished_at is None
    timeless = replace(
        job, id=JobId(0), pushed_at=EVER, run_at=None, claimed_at=None, finished_at=None, follow_ups=()
    )  # fmt: skip
    return timeless, follow_ups, times
