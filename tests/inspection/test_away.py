"""What people see and do while a partition is away: everything but its own jobs."""

from collections.abc import Sequence

import pytest

from penstock.conformance.builders import HOUR, OTHER, QUEUE, job, names
from penstock.engine import JobFilter
from penstock.errors import EngineUnavailable
from penstock.events import Events
from penstock.group import Fetcher, QueueGroup, Store
from penstock.handler import Registry
from penstock.inspection import Inspection, JobWish, Moved
from penstock.job import CALLBACK_TYPE, JobId, Presence, QueueKey, State
from penstock.policy import Policies, Policy
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide

POLICIES = Policies(Policy())
CALLBACKS = QueueKey("default", CALLBACK_TYPE)


@pytest.fixture
def group(wide: Wide) -> QueueGroup:
    """All types live in the federation, but for one."""
    stores = {
        name: Store(name, line.engine, POLICIES, Events()) for name, line in wide.lines.items()
    }
    stores["wide"] = Store("wide", wide.engine, POLICIES, Events(), partitions=tuple(stores))
    routes = {OTHER.type: "east"}
    return QueueGroup(stores, default="wide", routes=routes, policies=POLICIES, registry=Registry())


@pytest.fixture
async def wide() -> Wide:
    """Two jobs in each partition, a callback too, and a runner that is seen in both."""
    made = await Wide({"east": 60, "west": 40}).opened()
    for store in made.stores.values():
        await store.push([job("a"), job("b"), job("called back", queue=CALLBACKS)])
        await store.announce(Presence(worker="w", slots=3), HOUR)
    return made


@pytest.fixture
def inspection(group: QueueGroup) -> Inspection:
    return Inspection(group)


async def ids_in(wide: Wide) -> Sequence[JobId]:
    """A job of each partition."""
    mail = JobFilter(type=QUEUE.type)
    return [(await store.list(mail, limit=1))[0].id for store in wide.stores.values()]


async def test_counts_and_runners_are_those_of_the_others(
    wide: Wide, inspection: Inspection
) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY

    totals = await inspection.totals()

    assert (totals.waiting, totals.working, totals.slots) == (2, 0, 3)


async def test_queues_are_seen_with_the_jobs_of_the_others(
    wide: Wide, inspection: Inspection
) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY

    seen = [(view.queue, view.store, view.counts.ready) for view in await inspection.queues()]
    callbacks = await inspection.queue(CALLBACKS)

    assert seen == [(CALLBACKS, "east", 1), (QUEUE, "wide", 2)]
    assert callbacks.counts.ready == 1
    assert await inspection.queues_of(CALLBACK_TYPE) == [CALLBACKS]


async def test_jobs_of_the_others_are_listed_page_by_page(
    wide: Wide, inspection: Inspection
) -> None:
    which = JobWish(type=QUEUE.type)
    everything = await inspection.jobs(which, limit=9)
    wide.lines["west"].cut = Cut.ON_THE_WAY

    first = await inspection.jobs(which, limit=1)
    second = await inspection.jobs(which, limit=1, after=first.next)

    assert sorted(names(everything.jobs)) == ["a", "a", "b", "b"]
    assert (names(first.jobs), names(second.jobs)) == (["b"], ["a"])
    assert second.next is None


async def test_of_many_jobs_those_of_the_others_are_moved_and_the_caller_is_told(
    wide: Wide, inspection: Inspection
) -> None:
    east, west = await ids_in(wide)
    wide.lines["west"].cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable):
        await inspection.cancel_all([west, east])
    wide.lines["west"].cut = Cut.NOWHERE

    assert (await inspection.job(east)).state is State.CANCELLED
    assert await inspection.cancel_all([west, east]) == Moved(moved=1, refused=1)


async def test_where_no_partition_answers_the_caller_is_told(
    wide: Wide, inspection: Inspection
) -> None:
    for line in wide.lines.values():
        line.cut = Cut.ON_THE_WAY

    for ask in (inspection.totals, inspection.queues, lambda: inspection.jobs(JobWish(), limit=9)):
        with pytest.raises(EngineUnavailable):
            await ask()


async def test_a_partition_hinders_only_those_who_want_what_lives_in_it_alone(
    wide: Wide, group: QueueGroup
) -> None:
    everything = Fetcher(group, "w", types=[QUEUE.type, OTHER.type, CALLBACK_TYPE])
    for name, hindered in (("west", False), ("east", True)):
        wide.lines[name].cut = Cut.ON_THE_WAY

        while await everything.fetch(9):
            pass

        assert name in everything.troubles
        assert (everything.hindrance is not None) is hindered
        wide.lines[name].cut = Cut.NOWHERE
