"""Push: every job in one partition, each key in its own, and elsewhere only what may be."""

import asyncio
from dataclasses import replace

import pytest

from penstock.conformance.builders import (
    MANY,
    assert_conserved,
    claims,
    counts_of,
    everything,
    job,
    jobs,
    key,
    names,
    push,
    push_one,
)
from penstock.engine import CONFLICT, Ack, Pushed
from penstock.engines.federated.placement import BATCH
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import Delivery, FollowUp, NewJob, On, store_number
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide

EAST, WEST = 0, 1


def at(answers: list[int]) -> set[int]:
    """The partitions that issued these ids."""
    return {id // 10**13 for id in answers}


async def test_a_batch_that_nothing_binds_lies_in_one_partition(wide: Wide) -> None:
    for _ in range(20):
        assert len(at(list(await push(wide.engine, *jobs("a", "b", "c"))))) == 1


async def test_many_are_shared_by_weight(wide: Wide) -> None:
    for _ in range(40):
        await push(wide.engine, *jobs(*map(str, range(BATCH + 1))))

    assert 0 < await wide.size("west") < 40 * (BATCH + 1)
    assert await wide.size("east") > 0


async def test_equal_jobs_meet_whoever_pushes_them(wide: Wide) -> None:
    another = wide.another()
    await another.open()
    keys = [str(number) for number in range(100)]

    first = await push(wide.engine, *(job(dedupe_key=one) for one in keys))
    again = await another.push([job(dedupe_key=one) for one in reversed(keys)])

    assert [one.id for one in again] == first[::-1]
    assert all(one.deduplicated for one in again)
    assert at(list(first)) == {EAST, WEST}


async def test_equal_jobs_pushed_at_once_are_one(wide: Wide) -> None:
    answers = await asyncio.gather(
        *(wide.engine.push([job(dedupe_key="d"), job(str(n))]) for n in range(20))
    )

    assert len({answer[0].id for answer in answers}) == 1
    assert sum(not answer[0].deduplicated for answer in answers) == 1
    await assert_conserved(wide.engine)


async def test_each_is_answered_in_its_place(wide: Wide) -> None:
    new = [job(str(n), dedupe_key=str(n) if n % 3 else None) for n in range(MANY)]

    ids = await push(wide.engine, *new)

    found = await wide.engine.get(ids)
    assert names([one for one in found if one]) == [str(n) for n in range(MANY)]


async def test_one_call_of_each_partition_is_enough(wide: Wide) -> None:
    await push(wide.engine, *(job(dedupe_key=str(n)) for n in range(100)), *jobs("a", "b"))

    assert (wide.lines["east"].times("push"), wide.lines["west"].times("push")) == (1, 1)


async def test_a_partition_of_weight_zero_gets_no_new_job_and_gives_its_old_ones() -> None:
    wide = await Wide({"east": 1, "west": 0}).opened()
    [old] = await wide.stores["west"].push([job("old")])

    for n in range(30):
        await push(wide.engine, job(str(n)), job(dedupe_key=str(n)), job(idempotency=key(str(n))))

    assert await wide.size("west") == 1
    assert old.id in [one.id for one in await everything(wide.engine)]


async def test_what_follows_a_job_of_weight_zero_lies_beside_it_and_runs() -> None:
    wide = await Wide({"east": 1, "west": 0}).opened()
    await wide.stores["west"].push([job("first")])
    [first] = await claims(wide.engine)

    after = FollowUp(on=On.DONE, job=job("after", dedupe_key="d"))
    await wide.engine.ack([Ack(ref=first.ref, follow_ups=[after])])

    assert await wide.size("east") == 0
    assert names(await claims(wide.engine)) == ["after"]


async def test_a_batch_goes_elsewhere_where_its_partition_cannot_be_reached(wide: Wide) -> None:
    wide.lines["east"].cut = Cut.ON_THE_WAY

    for n in range(20):
        await push(wide.engine, *jobs(str(n), "b"), wide.job_for("east", nth=n))

    assert await wide.size("west") == 60


async def test_equal_jobs_meet_also_where_their_partition_is_away(wide: Wide) -> None:
    wide.lines["east"].cut = Cut.ON_THE_WAY

    first, again = await push(wide.engine, wide.job_for("east"), wide.job_for("east"))
    once_more = await push_one(wide.engine, wide.job_for("east"))

    assert first == again == once_more
    assert store_number(first) == WEST


async def test_who_failed_is_left_alone_for_five_seconds(wide: Wide) -> None:
    wide.lines["east"].cut = Cut.ON_THE_WAY
    await push(wide.engine, wide.job_for("east", nth=0))
    wide.lines["east"].cut = Cut.NOWHERE

    wide.pass_by(4.9)
    assert store_number(await push_one(wide.engine, wide.job_for("east", nth=1))) == WEST
    wide.pass_by(0.2)
    assert store_number(await push_one(wide.engine, wide.job_for("east", nth=2))) == EAST


async def test_no_more_partitions_are_tried_than_allowed() -> None:
    wide = await Wide({"a": 1, "b": 1, "c": 1, "d": 1}, tries=2).opened()
    for line in wide.lines.values():
        line.cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable, match="tried 2 partitions"):
        await push(wide.engine, *jobs("a", "b"))

    assert sum(line.times("push") for line in wide.lines.values()) == 2


async def test_with_one_try_nothing_goes_elsewhere() -> None:
    wide = await Wide({"east": 1, "west": 1}, tries=1).opened()
    wide.lines["east"].cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable, match="east: the line is cut"):
        await push(wide.engine, wide.job_for("east"))

    assert wide.lines["west"].times("push") == 0


async def test_where_none_is_left_the_caller_is_told(wide: Wide) -> None:
    for line in wide.lines.values():
        line.cut = Cut.ON_THE_WAY
    with pytest.raises(EngineUnavailable, match="tried 2 partitions"):
        await push(wide.engine, job())

    with pytest.raises(EngineUnavailable, match="no partition takes new ones"):
        await push(wide.engine, job())

    assert sum(line.times("push") for line in wide.lines.values()) == 2


@pytest.mark.parametrize("cut", [Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK])
async def test_a_job_that_may_run_once_is_never_tried_again(wide: Wide, cut: Cut) -> None:
    wide.lines["east"].cut = cut
    new = replace(wide.job_for("east"), delivery=Delivery.AT_MOST_ONCE)

    with pytest.raises(EngineUnavailable, match="east: the line is cut"):
        await push(wide.engine, new)

    assert await wide.size("west") == 0


@pytest.mark.parametrize("cut", [Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK])
async def test_a_push_under_a_key_goes_nowhere_else_however_often_it_is_tried(
    wide: Wide, cut: Cut
) -> None:
    new = job(idempotency=key(wide.caller_key_of("east")))
    wide.lines["east"].cut = cut

    for _ in range(3):
        with pytest.raises(EngineUnavailable, match="east: the line is cut"):
            await push(wide.engine, new)
    wide.lines["east"].cut = Cut.NOWHERE
    await push(wide.engine, new)

    assert (await wide.size("east"), await wide.size("west")) == (1, 0)


async def test_a_job_that_may_have_been_stored_is_stored_again_rather_than_lost(wide: Wide) -> None:
    wide.lines["east"].cut = Cut.ON_THE_WAY_BACK

    await push(wide.engine, wide.job_for("east"))

    assert (await wide.size("east"), await wide.size("west")) == (1, 1)


async def test_what_a_store_refuses_for_good_is_not_tried_elsewhere(wide: Wide) -> None:
    class Refused(EngineError):
        """It is full."""

    async def refuse(jobs: list[NewJob]) -> list[Pushed]:
        raise Refused

    wide.lines["east"].__dict__["push"] = refuse

    with pytest.raises(Refused, match="partition east"):
        await push(wide.engine, wide.job_for("east"))

    assert await wide.size("west") == 0


async def test_a_replay_is_found_also_by_another_process(wide: Wide) -> None:
    another = wide.another()
    await another.open()
    new = [job(str(n), idempotency=key("k", "print", n)) for n in range(5)]

    first = await push(wide.engine, *new)
    again = await another.push(new)

    assert again == [Pushed(id=id, replayed=True) for id in first]
    assert len(at(list(first))) == 1


async def test_of_another_body_under_a_known_key_nothing_is_stored(wide: Wide) -> None:
    await push(wide.engine, job(idempotency=key("k", "one")))

    other = [job(str(n), idempotency=key("k", "other", n)) for n in range(5)]
    answers = await wide.engine.push([*other, job("beside")])

    assert answers[:5] == [CONFLICT] * 5
    assert (await counts_of(wide.engine)).pushed == 2


async def test_an_empty_push_asks_nobody(wide: Wide) -> None:
    assert list(await wide.engine.push([])) == []

    assert wide.lines["east"].times("push") + wide.lines["west"].times("push") == 0
