"""A partition that comes back is told what it has missed before it is asked anything else."""

import pytest

from penstock.conformance.builders import (
    OTHER,
    QUEUE,
    claim,
    claims,
    counts_of,
    job,
    names,
    push,
    push_one,
    root,
)
from penstock.engine import (
    Registration,
)
from penstock.errors import EngineUnavailable
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide


async def test_a_queue_is_paused_everywhere_once_the_last_partition_is_back(wide: Wide) -> None:
    await push(wide.engine, wide.job_for("east", "e"), wide.job_for("west", "w"))
    wide.lines["west"].cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable, match="partition west"):
        await wide.engine.pause([QUEUE])
    assert list(await claims(wide.engine)) == []

    wide.lines["west"].cut = Cut.NOWHERE
    wide.pass_by(6)
    assert list(await claims(wide.engine)) == []
    assert await wide.stores["west"].paused() == {QUEUE}
    assert await wide.engine.paused() == {QUEUE}


async def test_the_last_word_on_a_pause_counts(wide: Wide) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY
    for verb in (wide.engine.pause, wide.engine.resume, wide.engine.pause):
        with pytest.raises(EngineUnavailable):
            await verb([QUEUE])
    with pytest.raises(EngineUnavailable):
        await wide.engine.resume([OTHER])

    wide.lines["west"].cut = Cut.NOWHERE
    await wide.engine.resume([])

    assert await wide.stores["west"].paused() == {QUEUE}
    assert wide.lines["west"].asked[-2:] == ["pause", "resume"]


async def test_a_queue_is_resumed_everywhere(wide: Wide) -> None:
    await wide.engine.pause([QUEUE, OTHER])

    await wide.engine.resume([QUEUE])

    for store in wide.stores.values():
        assert await store.paused() == {OTHER}


async def test_a_queue_that_is_paused_in_one_partition_is_told(wide: Wide) -> None:
    await wide.stores["west"].pause([OTHER])

    assert await wide.engine.paused() == {OTHER}


async def test_a_newer_root_supersedes_in_every_partition(wide: Wide) -> None:
    for nth, name in enumerate(("east", "west", "east", "west")):
        old = wide.job_for(name, "old", nth=nth)
        await push(wide.engine, job("old", dedupe_key=old.dedupe_key, root=root(1)))

    await push(wide.engine, job("new", root=root(2)))

    claimed = await claim(wide.engine)
    assert (names(claimed.claims), claimed.superseded) == (["new"], 4)


async def test_a_partition_that_was_away_learns_of_a_root_before_it_gives_a_job(wide: Wide) -> None:
    await push(wide.engine, wide.job_for("west", "old"), job("other", root=root(1, "other")))
    old = job("old", dedupe_key=wide.key_of("west", nth=1), root=root(1))
    await push(wide.engine, old)
    wide.lines["west"].cut = Cut.ON_THE_WAY
    await push(wide.engine, *(job("new", dedupe_key=wide.key_of("east"), root=root(2)),))
    assert names(await claims(wide.engine)) in (["new"], ["other", "new"])

    wide.lines["west"].cut = Cut.NOWHERE
    wide.pass_by(6)

    claimed = await claim(wide.engine)
    assert claimed.superseded == 1
    assert (await counts_of(wide.engine)).superseded == 1


async def test_an_older_root_is_not_repeated_over_a_newer_one(wide: Wide) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY
    for rank in (2, 3, 1):
        await wide.engine.register([Registration(queue=QUEUE, root=root(rank))])

    wide.lines["west"].cut = Cut.NOWHERE
    wide.pass_by(6)
    await push(wide.engine, job("middle", dedupe_key=wide.key_of("west"), root=root(2)))

    assert (await claim(wide.engine)).superseded == 1
    assert wide.lines["west"].times("register") == 2


@pytest.mark.parametrize("cut", [Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK])
async def test_a_root_that_cannot_be_told_holds_no_push_up(wide: Wide, cut: Cut) -> None:
    wide.lines["west"].cut = cut

    id = await push_one(wide.engine, job(dedupe_key=wide.key_of("east"), root=root(1)))

    assert (await wide.stores["east"].get([id]))[0] is not None
