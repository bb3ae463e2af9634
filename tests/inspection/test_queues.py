"""Queues as people see them, paused and resumed."""

import asyncio
from datetime import timedelta

import pytest

from penstock.conformance.builders import put, want
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import BadJob
from penstock.inspection import Inspection
from penstock.job import CALLBACK_TYPE, Counts, NewJob, QueueKey, State
from penstock.policy import CALLBACK_POLICY, Policy
from tests.inspection.conftest import Stores
from tests.inspection.desk import QUEUE, inspection

SECOND = timedelta(seconds=1)
SMS = QueueKey("b", "sms")
BACK = QueueKey("default", CALLBACK_TYPE)


def desk(stores: Stores) -> Inspection:
    """Mail lives in the first store, sms in the second."""
    return inspection(*stores.engines, policy=Policy(max_attempts=9), sms="store1")


async def test_a_queue_is_seen_with_all_that_stands_in_it(stores: Stores) -> None:
    for state in State:
        await put(stores.second, state, NewJob(queue=SMS))
    stores.clock.tick(5 * SECOND)

    view = await desk(stores).queue(SMS)

    assert (view.queue, view.store, view.engine) == (SMS, "store1", "SqliteEngine")
    assert [getattr(view.counts, state) for state in State] == [1] * 7
    assert (view.paused, view.oldest, view.policy) == (False, 5 * SECOND, Policy())


async def test_a_queue_that_was_never_used_is_seen_empty_and_stays_unlisted(stores: Stores) -> None:
    see = desk(stores)

    view = await see.queue(QueueKey("nowhere", "nothing"))

    assert (view.counts, view.oldest, view.paused) == (Counts(), None, False)
    assert view.store == "store0"
    assert await see.queues() == []


async def test_all_queues_are_listed_in_order_with_their_own_policies(stores: Stores) -> None:
    await stores.second.push([NewJob(queue=SMS), NewJob(queue=QueueKey("a", "sms"))])
    await stores.first.push([NewJob(queue=QUEUE)])
    await stores.second.pause([QueueKey("z", "sms")])

    views = await desk(stores).queues()

    assert [(str(view.queue), view.store, view.paused) for view in views] == [
        ("a/sms", "store1", False),
        ("b/sms", "store1", False),
        ("default/mail", "store0", False),
        ("z/sms", "store1", True),
    ]
    assert [view.policy.max_attempts for view in views] == [3, 3, 9, 3]
    assert [view.counts.ready for view in views] == [1, 1, 1, 0]
    assert [view.oldest is None for view in views] == [False, False, False, True]


async def test_callbacks_are_listed_by_store_and_seen_as_one(stores: Stores) -> None:
    see = desk(stores)
    await stores.first.push([NewJob(queue=BACK)])
    stores.clock.tick(SECOND)
    await stores.second.push([NewJob(queue=BACK), NewJob(queue=BACK, delay=SECOND)])

    listed = await see.queues()
    one = await see.queue(BACK)

    assert [(view.queue, view.store, view.counts.ready) for view in listed] == [
        (BACK, "store0", 1),
        (BACK, "store1", 1),
    ]
    assert (one.store, one.engine, one.oldest) == (None, None, SECOND)
    assert (one.counts.ready, one.counts.scheduled, one.counts.pushed) == (2, 1, 3)
    assert one.policy == CALLBACK_POLICY


async def test_callbacks_of_a_single_store_have_their_store(stores: Stores) -> None:
    view = await inspection(stores.first).queue(BACK)

    assert (view.store, view.engine) == ("store0", "MemoryEngine")


async def test_a_paused_queue_gives_nothing_takes_pushes_and_goes_on_when_resumed(
    stores: Stores,
) -> None:
    see = desk(stores)
    await stores.second.push([NewJob(queue=SMS)])

    [paused] = await see.pause([SMS])
    await stores.second.push([NewJob(queue=SMS)])
    nothing = await stores.second.claim([want(SMS)], "w1")
    [resumed] = await see.resume([SMS])
    both = await stores.second.claim([want(SMS)], "w1")

    assert (paused.paused, paused.queue, paused.counts.ready) == (True, SMS, 1)
    assert nothing.claims == []
    assert (resumed.paused, resumed.counts.ready) == (False, 2)
    assert len(both.claims) == 2


async def test_a_pause_leaves_other_queues_alone(stores: Stores) -> None:
    see = desk(stores)
    beside = QueueKey("a", "sms")
    await stores.second.push([NewJob(queue=SMS), NewJob(queue=beside)])

    await see.pause([SMS, QueueKey("never", "used")])

    assert not (await see.queue(beside)).paused
    assert await stores.second.paused() == {SMS}
    assert await stores.first.paused() == {QueueKey("never", "used")}
    assert len((await stores.second.claim([want(beside)], "w1")).claims) == 1


async def test_a_pause_is_seen_by_others_and_after_a_restart(stores: Stores) -> None:
    assert isinstance(stores.second, SqliteEngine)
    await desk(stores).pause([SMS])

    await stores.second.close()
    await stores.second.open()

    assert (await desk(stores).queue(SMS)).paused


async def test_callbacks_are_paused_in_every_store(stores: Stores) -> None:
    see = desk(stores)

    [paused] = await see.pause([BACK])
    stopped = [await engine.paused() for engine in stores.engines]
    await stores.first.resume([BACK])
    half = await see.queue(BACK)
    [resumed] = await see.resume([BACK])

    assert paused.paused
    assert stopped == [frozenset({BACK}), frozenset({BACK})]
    assert half.paused is False
    assert resumed.paused is False
    assert [await engine.paused() for engine in stores.engines] == [frozenset(), frozenset()]


async def test_many_are_paused_at_once_and_answered_in_their_places(stores: Stores) -> None:
    views = await desk(stores).pause([SMS, QUEUE, SMS])

    assert [view.queue for view in views] == [SMS, QUEUE, SMS]
    assert all(view.paused for view in views)


async def test_two_who_pause_at_once_both_have_it(stores: Stores) -> None:
    see = desk(stores)
    keys = [QueueKey(f"domain{number}", "sms") for number in range(10)]
    await see.pause([SMS])

    await asyncio.gather(*(see.pause([key]) for key in keys), see.resume([SMS]))

    assert await stores.second.paused() == set(keys)


async def test_the_queues_of_a_type_are_those_of_all_domains(stores: Stores) -> None:
    await stores.second.push([NewJob(queue=SMS), NewJob(queue=QueueKey("a", "sms"))])
    await stores.second.pause([QueueKey("z", "sms"), QUEUE])
    await stores.first.push([NewJob(queue=BACK)])
    await stores.second.push([NewJob(queue=BACK)])
    see = desk(stores)

    assert [key.domain for key in await see.queues_of("sms")] == ["a", "b", "z"]
    assert await see.queues_of(CALLBACK_TYPE) == [BACK]
    assert await see.queues_of("unheard") == []


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (QueueKey("", "mail"), ["domain"]),
        (QueueKey("a", "b c"), ["type"]),
        (QueueKey("*", "x" * 101), ["domain", "type"]),
    ],
)
async def test_a_queue_that_cannot_be_is_refused_by_name(key: QueueKey, fields: list[str]) -> None:
    engine = MemoryEngine()
    see = inspection(engine)

    for asked in (see.queue(key), see.pause([QUEUE, key]), see.resume([key])):
        with pytest.raises(BadJob) as caught:
            await asked
        assert [error.field for error in caught.value.errors] == fields

    assert await engine.paused() == frozenset()
