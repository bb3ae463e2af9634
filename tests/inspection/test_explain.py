"""Why a job stands where it stands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from penstock.conformance.builders import put
from penstock.engine import Bury, Cancel, Engine, Release, Retry
from penstock.errors import UnknownJob
from penstock.inspection import Inspection
from penstock.inspection.explain import Facts, Reason, reasons
from penstock.job import (
    CALLBACK_TYPE,
    ENDED,
    Delivery,
    Details,
    Job,
    JobId,
    NewJob,
    Order,
    Presence,
    QueueKey,
    State,
)
from penstock.policy import Policy
from tests.inspection.conftest import Stores
from tests.inspection.desk import QUEUE, TTL, claimed, inspection

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JOB = Job(
    id=JobId(7),
    queue=QUEUE,
    state=State.READY,
    params="{}",
    details=Details(),
    priority=500,
    attempt=0,
    max_attempts=3,
    fence=0,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=NOON,
)
DELAYED = replace(JOB, state=State.SCHEDULED, run_at=NOON)
HELD = replace(JOB, state=State.CLAIMED, attempt=2, fence=2, worker="w1", claimed_at=NOON)
DONE = replace(HELD, state=State.DONE, finished_at=NOON)

READY = Facts(job=JOB, store="main", runners=1, ahead=0)
PAUSED = "queue default/mail is paused; resume it, and its jobs are claimed again"
LONELY = "no live runner takes jobs of type mail from store main; start one"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            READY,
            [
                "next: it is the next of queue default/mail; 1 live runner takes such jobs, as slots are free"
            ],
        ),
        (
            replace(READY, runners=1200),
            [
                "next: it is the next of queue default/mail; 1,200 live runners take such jobs, as slots are free"
            ],
        ),
        (replace(READY, paused=True), [f"paused: {PAUSED}"]),
        (replace(READY, runners=0), [f"no_runner: {LONELY}"]),
        (
            replace(READY, paused=True, runners=0, ahead=2),
            [
                f"paused: {PAUSED}",
                f"no_runner: {LONELY}",
                "behind: 2 ready jobs come before it in queue default/mail",
            ],
        ),
        (replace(READY, ahead=1), ["behind: 1 ready job comes before it in queue default/mail"]),
        (
            replace(READY, ahead=1000),
            ["behind: 1,000 ready jobs come before it in queue default/mail"],
        ),
        (
            replace(READY, ahead=1001),
            ["behind: more than 1,000 ready jobs come before it in queue default/mail"],
        ),
        (
            replace(READY, ahead=3, order=Order.RANDOM),
            ["behind: 3 ready jobs may come before it in queue default/mail"],
        ),
        (
            replace(READY, job=DELAYED, ahead=None),
            ["scheduled: it waits until 2026-01-01T12:00:00Z, as it was pushed to run then"],
        ),
        (
            replace(READY, job=DELAYED, ahead=None, paused=True, runners=0),
            [
                "scheduled: it waits until 2026-01-01T12:00:00Z, as it was pushed to run then",
                f"paused: {PAUSED}",
                f"no_runner: {LONELY}",
            ],
        ),
        (
            replace(READY, job=replace(DELAYED, attempt=1, fence=1, error="no route")),
            [
                "scheduled: it waits until 2026-01-01T12:00:00Z, to be tried again: "
                "attempt 1 of 3 failed: no route"
            ],
        ),
        (
            replace(READY, job=replace(DELAYED, fence=1)),
            ["scheduled: it waits until 2026-01-01T12:00:00Z, as its worker gave it back"],
        ),
        (
            Facts(job=HELD, store="main"),
            ["claimed: worker w1 has held it since 2026-01-01T12:00:00Z, attempt 2 of 3"],
        ),
        (
            Facts(job=replace(HELD, cancel_requested=True), store="main"),
            [
                "claimed: worker w1 has held it since 2026-01-01T12:00:00Z, attempt 2 of 3; "
                "it was asked to stop"
            ],
        ),
        (Facts(job=DONE, store="main"), ["finished: the job ended done at 2026-01-01T12:00:00Z"]),
        (
            Facts(job=replace(DONE, error="no route"), store="main"),
            ["finished: the job ended done at 2026-01-01T12:00:00Z"],
        ),
        (
            Facts(job=replace(DONE, state=State.DEAD, error="x" * 1000), store="main"),
            [f"finished: the job ended dead at 2026-01-01T12:00:00Z: {'x' * 300}…"],
        ),
    ],
)
def test_facts_have_reasons_the_most_telling_first(facts: Facts, told: list[str]) -> None:
    assert _told(reasons(facts)) == told


async def present(engine: Engine, *types: str) -> None:
    """A runner for these types is live in the store."""
    await engine.announce(Presence(worker="w", slots=1, types=frozenset(types)), TTL)


async def codes(see: Inspection, id: JobId) -> list[str]:
    return [reason.code for reason in await see.explain(id)]


@pytest.mark.parametrize("number", [0, 1])
async def test_a_ready_job_is_next_behind_paused_or_without_a_runner(
    number: int, stores: Stores
) -> None:
    engine = stores.engines[number]
    see = inspection(*stores.engines, mail=f"store{number}")
    first, second = [pushed.id for pushed in await engine.push([NewJob(queue=QUEUE)] * 2)]
    await present(stores.engines[1 - number], "mail")
    alone = await codes(see, first)
    await present(engine, "mail", "sms")

    told = [await codes(see, first), await codes(see, second)]
    await engine.pause([QUEUE])

    assert alone == ["no_runner"]
    assert told == [["next"], ["behind"]]
    assert await codes(see, second) == ["paused", "behind"]


async def test_a_runner_of_other_types_or_one_that_is_gone_does_not_count(stores: Stores) -> None:
    see = inspection(*stores.engines, mail="store1")
    id = await put(stores.second, State.READY, NewJob(queue=QUEUE))
    await present(stores.second, "sms")
    other = await codes(see, id)

    await present(stores.second, "mail")
    stores.clock.tick(TTL)

    assert (other, await codes(see, id)) == (["no_runner"], ["no_runner"])


async def test_a_job_that_was_left_where_its_type_no_longer_lives_is_told_so(
    stores: Stores,
) -> None:
    see = inspection(*stores.engines, mail="store1")
    id = await put(stores.first, State.READY, NewJob(queue=QUEUE))
    back = await put(stores.second, State.READY, NewJob(queue=QueueKey("default", CALLBACK_TYPE)))
    for engine in stores.engines:
        await present(engine, "mail", CALLBACK_TYPE)

    [reason] = await see.explain(id)

    assert reason.code == "no_runner"
    assert reason.detail == (
        "jobs of type mail live in store store1 by now; "
        "no runner takes those that are left in store store0"
    )
    assert await codes(see, back) == ["next"]


async def test_the_order_of_the_queue_says_who_comes_before(stores: Stores) -> None:
    await present(stores.first, "mail")
    late = NewJob(queue=QUEUE, priority=900)
    await stores.first.push([NewJob(queue=QUEUE), late, NewJob(queue=QueueKey("b", "mail"))])

    async def told(order: Order, id: int) -> list[str]:
        return await codes(inspection(stores.first, policy=Policy(order=order)), JobId(id))

    assert [await told(Order.PRIORITY, id) for id in (1, 2, 3)] == [["behind"], ["next"], ["next"]]
    assert [await told(Order.FIFO, id) for id in (1, 2, 3)] == [["next"], ["behind"], ["next"]]
    assert await told(Order.RANDOM, 1) == ["behind"]


async def test_a_job_before_which_very_many_stand_is_told_so(stores: Stores) -> None:
    await present(stores.second, "mail")
    pushed = await stores.second.push([NewJob(queue=QUEUE)] * 1002)

    see = inspection(*stores.engines, mail="store1")
    [last] = await see.explain(pushed[-1].id)
    [before] = await see.explain(pushed[-2].id)

    assert last.detail.startswith("more than 1,000 ready jobs come before it")
    assert before.detail.startswith("1,000 ready jobs come before it")


async def test_a_delayed_a_failed_and_a_released_job_are_told_apart(stores: Stores) -> None:
    engine = stores.second
    see = inspection(*stores.engines, mail="store1")
    await present(engine, "mail")
    new = NewJob(queue=QUEUE)
    [delayed] = await engine.push([NewJob(queue=QUEUE, delay=MINUTE)])
    failed, released = await claimed(engine, new), await claimed(engine, new)
    await engine.retry([Retry(ref=failed.ref, after=MINUTE, error="no route")])
    await engine.release([Release(ref=released.ref, after=MINUTE)])

    told = [await see.explain(id) for id in (delayed.id, failed.job.id, released.job.id)]

    assert [[reason.code for reason in one] for one in told] == [["scheduled"]] * 3
    assert [one[0].detail.partition(", ")[2] for one in told] == [
        "as it was pushed to run then",
        "to be tried again: attempt 1 of 3 failed: no route",
        "as its worker gave it back",
    ]


async def test_a_claimed_job_tells_of_its_worker_and_whether_it_shall_stop(stores: Stores) -> None:
    see = inspection(*stores.engines, mail="store1")
    claim = await claimed(stores.second, NewJob(queue=QUEUE))

    before = await see.explain(claim.job.id)
    await stores.second.cancel([Cancel(id=claim.job.id)])
    [after] = await see.explain(claim.job.id)

    assert [reason.code for reason in before] == ["claimed"]
    assert before[0].detail.startswith("worker w1 has held it since 2026-01-01T00:00:00Z, attempt")
    assert after.detail == f"{before[0].detail}; it was asked to stop"


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_an_ended_job_tells_how(state: State, stores: Stores) -> None:
    id = await put(stores.second, state, NewJob(queue=QUEUE))

    [reason] = await inspection(*stores.engines).explain(id)

    assert reason.code == "finished"
    assert f"ended {state} at 2026-01-01T00:00:00Z" in reason.detail


async def test_a_job_that_was_made_ready_again_is_told_as_ready(stores: Stores) -> None:
    see = inspection(*stores.engines, mail="store1")
    await present(stores.second, "mail")
    claim = await claimed(stores.second, NewJob(queue=QUEUE))
    await stores.second.bury([Bury(ref=claim.ref, error="x")])

    await see.requeue(claim.job.id)

    assert await codes(see, claim.job.id) == ["next"]


async def test_an_unknown_job_has_no_reasons(stores: Stores) -> None:
    with pytest.raises(UnknownJob):
        await inspection(*stores.engines).explain(JobId(7))


def _told(found: Sequence[Reason]) -> list[str]:
    return [f"{reason.code}: {reason.detail}" for reason in found]
