"""Reading: get and list tell of every job as it stands, and change none."""

import asyncio
from datetime import timedelta

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    UNKNOWN_ID,
    claim_one,
    claimed_job,
    claims,
    everything,
    job,
    jobs,
    names,
    push,
    push_one,
    read,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Ack, Bury, Feature, JobFilter
from penstock.job import Job, JobId, QueueKey, State, first_id


async def test_jobs_are_read_each_in_its_place(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *jobs("a", "b", "c"))

    found = await harness.engine.get([c, a, UNKNOWN_ID, b, a])

    assert [one and one.id for one in found] == [c, a, None, b, a]
    assert names(one for one in found if one) == ["c", "a", "b", "a"]


async def test_reading_no_ids_reads_nothing(harness: Harness) -> None:
    await push(harness.engine, job())

    assert list(await harness.engine.get([])) == []


async def test_ids_that_were_never_given_are_read_as_none(harness: Harness) -> None:
    id = await push_one(harness.engine, job())
    strange = [JobId(0), JobId(-1), JobId(id + 1), first_id(7), JobId(2**53 - 1)]

    assert list(await harness.engine.get(strange)) == [None] * len(strange)


async def test_a_deleted_job_is_read_as_none(harness: Harness) -> None:
    gone, here = await push(harness.engine, *jobs("gone", "here"))
    await harness.engine.delete([gone])

    found = await harness.engine.get([gone, here])

    assert found[0] is None
    assert [one.id for one in await everything(harness.engine)] == [here]


async def test_a_job_is_read_in_every_state(harness: Harness) -> None:
    ids = await one_of_each(harness.engine, QUEUE)

    found = await harness.engine.get(list(ids.values()))

    assert [one and one.state for one in found] == list(ids)
    assert names(one for one in found if one) == [state.value for state in ids]


async def test_a_thousand_jobs_are_read_at_once(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(MANY)))

    found = await harness.engine.get(ids[::-1])

    assert [one and one.id for one in found] == ids[::-1]


async def test_what_was_read_stays_as_it_was_read(harness: Harness) -> None:
    before = await read(harness.engine, await push_one(harness.engine, job()))

    held = await claim_one(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref)])

    assert (before.state, before.fence, held.job.state) == (State.READY, 0, State.CLAIMED)


async def test_reading_changes_nothing(harness: Harness) -> None:
    id = await push_one(harness.engine, job())

    async with untouched(harness.engine, QUEUE):
        await harness.engine.get([id])
        await harness.engine.list(JobFilter(), limit=MANY)
        await harness.engine.counts()
        await harness.engine.oldest([QUEUE])


async def test_jobs_are_listed_newest_first_over_all_queues(harness: Harness) -> None:
    await push(harness.engine, job("a"), job("b", queue=OTHER, priority=900), job("c", priority=1))

    found = await harness.engine.list(JobFilter(), limit=MANY)

    assert names(found) == ["c", "b", "a"]


async def test_ended_and_waiting_jobs_are_listed_in_one_row(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(30)))
    for held in await claims(harness.engine, want(limit=10)):
        await harness.engine.ack([Ack(ref=held.ref)])
    for held in await claims(harness.engine, want(limit=10)):
        await harness.engine.bury([Bury(ref=held.ref, error="boom")])
    await push(harness.engine, *jobs("a", "b"))
    await claim_one(harness.engine)

    found = await harness.engine.list(JobFilter(), limit=MANY)

    assert names(found) == ["b", "a", *(str(n) for n in reversed(range(30)))]
    assert [one.id for one in found][2:] == ids[::-1]


async def test_no_more_are_listed_than_asked_for(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))

    assert names(await harness.engine.list(JobFilter(), limit=2)) == ["c", "b"]


async def test_a_list_goes_on_below_the_last_id(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *jobs("a", "b", "c"))

    assert names(await harness.engine.list(JobFilter(), limit=2, after=c)) == ["b", "a"]
    assert names(await harness.engine.list(JobFilter(), limit=2, after=b)) == ["a"]
    assert list(await harness.engine.list(JobFilter(), limit=2, after=a)) == []


async def test_pages_show_each_job_once(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(25)))
    for held in (await claims(harness.engine))[::2]:
        await harness.engine.ack([Ack(ref=held.ref)])

    pages: list[Job] = []
    for _ in range(7):
        last = pages[-1].id if pages else None
        pages += await harness.engine.list(JobFilter(), limit=4, after=last)

    assert [one.id for one in pages] == ids[::-1]


async def test_the_last_id_of_a_page_may_be_gone_by_then(harness: Harness) -> None:
    _, b, c = await push(harness.engine, *jobs("a", "b", "c"))
    await harness.engine.delete([b])

    assert names(await harness.engine.list(JobFilter(), limit=MANY, after=b)) == ["a"]
    assert names(await harness.engine.list(JobFilter(), limit=MANY, after=c)) == ["a"]


async def test_jobs_are_listed_by_state(harness: Harness) -> None:
    ids = await one_of_each(harness.engine, QUEUE)

    for state, id in ids.items():
        found = await harness.engine.list(JobFilter(state=state), limit=MANY)
        assert [one.id for one in found] == [id]


async def test_jobs_are_listed_by_domain_and_type(harness: Harness) -> None:
    queues = [QueueKey(domain, type) for domain in ("d", "e") for type in ("t", "u")]
    await push(harness.engine, *(job(str(queue), queue=queue) for queue in queues))

    assert await _listed(harness, JobFilter(domain="d")) == ["d/u", "d/t"]
    assert await _listed(harness, JobFilter(type="u")) == ["e/u", "d/u"]
    assert await _listed(harness, JobFilter(domain="e", type="t")) == ["e/t"]
    assert await _listed(harness, JobFilter(domain="f", type="t")) == []
    assert await _listed(harness, JobFilter(domain="t", type="d")) == []


async def test_a_filter_means_all_that_it_says(harness: Harness) -> None:
    done = await claimed_job(harness.engine, job("done"))
    await harness.engine.ack([Ack(ref=done.ref)])
    await push(harness.engine, job("near"), job("far", queue=OTHER))

    which = JobFilter(domain=QUEUE.domain, type=QUEUE.type, state=State.READY)

    assert await _listed(harness, which) == ["near"]
    assert await _listed(harness, JobFilter(type=OTHER.type, state=State.DONE)) == []


async def test_a_filtered_list_is_cut_and_goes_on_rightly(harness: Harness) -> None:
    ids = await push(
        harness.engine, *(job(str(n), queue=OTHER if n % 3 else QUEUE) for n in range(20))
    )
    which = JobFilter(type=OTHER.type)

    first = await harness.engine.list(which, limit=5)
    second = await harness.engine.list(which, limit=5, after=first[-1].id)

    assert names([*first, *second]) == ["19", "17", "16", "14", "13", "11", "10", "8", "7", "5"]
    assert first[0].id == ids[-1]


async def test_hostile_text_is_no_pattern_and_no_query(harness: Harness) -> None:
    await push(harness.engine, job("mail"))

    for text in (*HOSTILE_TEXTS, "%", "_ail", "*", "mai?", "' or 1=1 --", "Mail"):
        assert await _listed(harness, JobFilter(type=text)) == []
        assert await _listed(harness, JobFilter(domain=text)) == []
        await push(harness.engine, job(text, queue=QueueKey(text, "hostile")))
        assert await _listed(harness, JobFilter(domain=text)) == [text]


async def test_a_job_that_moves_is_listed_once(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    assert len(await everything(harness.engine)) == 1

    await harness.engine.bury([Bury(ref=held.ref, error="boom")])
    assert len(await everything(harness.engine)) == 1

    await harness.engine.requeue([held.job.id])
    assert [one.state for one in await everything(harness.engine)] == [State.READY]


async def test_an_ended_job_that_is_not_kept_is_not_read(harness: Harness) -> None:
    held = await claimed_job(harness.engine)

    await harness.engine.ack([Ack(ref=held.ref, keep=NOTHING)])

    assert list(await harness.engine.get([held.job.id])) == [None]
    assert await everything(harness.engine) == []


async def test_reading_while_others_write_shows_each_job_whole(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(20)))

    async def work() -> None:
        for _ in ids:
            held = await claim_one(harness.engine)
            await harness.engine.ack([Ack(ref=held.ref, result='{"n": 1}')])

    working = asyncio.create_task(work())
    while not working.done():
        for found in await harness.engine.get(ids):
            assert found is not None
            ended = found.state is State.DONE
            assert (found.result is not None) == ended
            assert (found.finished_at is not None) == ended
        await asyncio.sleep(0)
    await working


async def test_what_is_read_is_the_same_after_reopen(harness: Harness) -> None:
    await one_of_each(harness.engine, QUEUE)
    before = await everything(harness.engine)

    await harness.reopen()

    assert await everything(harness.engine) == before


@needs(Feature.SHARED)
async def test_another_process_reads_what_was_answered(harness: Harness) -> None:
    another = await harness.second()
    id = await push_one(harness.engine, job())
    assert await read(another, id) == await read(harness.engine, id)

    held = await claim_one(another)

    assert await read(harness.engine, id) == held.job


async def test_times_of_a_job_are_those_of_its_moves(harness: Harness) -> None:
    id = await push_one(harness.engine, job())
    await harness.age(timedelta(minutes=3))
    held = await claim_one(harness.engine)
    await harness.age(timedelta(minutes=2))
    await harness.engine.ack([Ack(ref=held.ref)])

    done = await read(harness.engine, id)

    assert done.claimed_at is not None
    assert done.finished_at is not None
    assert _minutes(done.claimed_at - done.pushed_at) == 3
    assert _minutes(done.finished_at - done.claimed_at) == 2


def _minutes(duration: timedelta) -> int:
    return round(duration / timedelta(minutes=1))


async def _listed(harness: Harness, which: JobFilter) -> list[str]:
    return names(await harness.engine.list(which, limit=MANY))
