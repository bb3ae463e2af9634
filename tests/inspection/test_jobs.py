"""Lists of jobs: newest first over all stores, a page at a time, filtered, bounded."""

import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import put
from penstock.engine import Engine, JobFilter
from penstock.engines.memory import MemoryEngine
from penstock.errors import BadJob
from penstock.inspection import Inspection, JobWish, Page
from penstock.inspection.jobs import LARGE, LOOK, LOOKED_AT
from penstock.job import Details, Job, JobId, NewJob, QueueKey, State
from tests.inspection.conftest import Stores
from tests.inspection.desk import QUEUE, inspection

SECOND = timedelta(seconds=1)
ANY = JobWish()


class Counted(MemoryEngine):
    """A store that remembers how many jobs were read at each look."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock())
        self.looks: list[int] = []

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        self.looks.append(limit)
        return await super().list(which, limit=limit, after=after)


async def push(engine: Engine, new: NewJob | None = None) -> JobId:
    [pushed] = await engine.push([new or NewJob(queue=QUEUE)])
    return pushed.id


async def alternately(stores: Stores, count: int) -> list[JobId]:
    """The ids of so many jobs, pushed a second apart into one store and the other."""
    ids: list[JobId] = []
    for index in range(count):
        ids.append(await push(stores.engines[index % 2]))
        stores.clock.tick(SECOND)
    return ids


async def pages(see: Inspection, which: JobWish, *, limit: int) -> list[Page]:
    """All pages, to the last."""
    found = [await see.jobs(which, limit=limit)]
    while (after := found[-1].next) is not None:
        found.append(await see.jobs(which, limit=limit, after=after))
    return found


def ids_of(*pages: Page) -> list[JobId]:
    return [job.id for page in pages for job in page.jobs]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 1000])
async def test_jobs_of_all_stores_come_newest_first_and_each_once(
    limit: int, stores: Stores
) -> None:
    ids = await alternately(stores, 7)

    found = await pages(inspection(*stores.engines), ANY, limit=limit)

    assert ids_of(*found) == ids[::-1]
    assert [len(page.jobs) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert len(found) == -(-7 // limit)


async def test_the_newest_of_one_store_do_not_hide_the_older_of_another(stores: Stores) -> None:
    old = [await push(stores.first) for _ in range(3)]
    stores.clock.tick(SECOND)
    new = [await push(stores.second) for _ in range(5)]

    found = await pages(inspection(*stores.engines), ANY, limit=2)

    assert ids_of(*found) == [*new[::-1], *old[::-1]]


async def test_what_is_pushed_while_somebody_turns_pages_does_not_come_between(
    stores: Stores,
) -> None:
    see = inspection(*stores.engines)
    ids = [await push(stores.first) for _ in range(4)]
    first = await see.jobs(ANY, limit=2)

    late = [await push(engine) for engine in stores.engines]
    second = await see.jobs(ANY, limit=2, after=first.next)
    fresh = await see.jobs(ANY, limit=2)

    assert ids_of(first, second) == ids[::-1]
    assert second.next is None
    assert sorted(ids_of(fresh)) == sorted(late)


async def test_a_job_that_is_deleted_meanwhile_breaks_no_page(stores: Stores) -> None:
    see = inspection(*stores.engines)
    ids = await alternately(stores, 6)
    first = await see.jobs(ANY, limit=3)

    await stores.first.delete([ids[2], first.jobs[-1].id])
    await stores.second.delete([ids[3]])
    second = await see.jobs(ANY, limit=3, after=first.next)

    assert ids_of(second) == [ids[1], ids[0]]


async def test_no_job_is_a_page_without_a_next(stores: Stores) -> None:
    assert await inspection(*stores.engines).jobs(ANY, limit=10) == Page([], None)


async def test_each_wish_is_heard_in_every_store(stores: Stores) -> None:
    see = inspection(*stores.engines)
    for engine in stores.engines:
        for type in ("mail", "sms"):
            for domain in ("a", "b"):
                for state in (State.READY, State.DEAD):
                    details = Details(context=f"{domain}{type}")
                    await put(engine, state, NewJob(queue=QueueKey(domain, type), details=details))

    async def told(which: JobWish) -> set[tuple[str, str, str]]:
        page = await see.jobs(which, limit=100)
        assert len(page.jobs) == 2 * len({(job.queue, job.state) for job in page.jobs})
        return {(job.domain, job.type, job.state) for job in page.jobs}

    assert await told(JobWish(type="sms", domain="b", state=State.DEAD)) == {("b", "sms", "dead")}
    assert {type for _, type, _ in await told(JobWish(type="mail"))} == {"mail"}
    assert {domain for domain, _, _ in await told(JobWish(domain="a"))} == {"a"}
    assert {state for _, _, state in await told(JobWish(state=State.READY))} == {"ready"}
    assert {job[:2] for job in await told(JobWish(context="amail"))} == {("a", "mail")}
    assert await told(JobWish(context="asms", state=State.READY)) == {("a", "sms", "ready")}
    assert await told(JobWish(context="amail", type="sms")) == set()
    assert len(await told(ANY)) == 8


async def test_an_empty_context_is_a_context(stores: Stores) -> None:
    named = await push(stores.first, NewJob(queue=QUEUE, details=Details(context="")))
    await push(stores.second)

    assert ids_of(await inspection(*stores.engines).jobs(JobWish(context=""), limit=5)) == [named]


async def test_a_page_of_a_context_looks_through_a_bounded_number_of_jobs() -> None:
    engine = Counted()
    see = inspection(engine)
    rare = NewJob(queue=QUEUE, details=Details(context="rare"))
    [oldest] = await engine.push([rare])
    await engine.push([NewJob(queue=QUEUE)] * LOOKED_AT)

    first = await see.jobs(JobWish(context="rare"), limit=2)
    looks = sum(engine.looks)
    second = await see.jobs(JobWish(context="rare"), limit=2, after=first.next)

    assert (first.jobs, ids_of(second), second.next) == ([], [oldest.id], None)
    assert first.next is not None
    assert looks <= LOOKED_AT + LOOK


async def test_a_context_is_found_whole_however_it_is_scattered(stores: Stores) -> None:
    wanted: list[JobId] = []
    for index in range(60):
        context = "rare" if index % 7 == 0 else "default"
        new = NewJob(queue=QUEUE, details=Details(context=context))
        id = await push(stores.engines[index % 2], new)
        wanted += [id] * (context == "rare")
        stores.clock.tick(SECOND)

    found = await pages(inspection(*stores.engines), JobWish(context="rare"), limit=2)

    assert ids_of(*found) == wanted[::-1]


async def test_a_page_takes_one_look_into_each_store() -> None:
    engine = Counted()
    await engine.push([NewJob(queue=QUEUE)] * 20)

    await inspection(engine).jobs(ANY, limit=10)

    assert engine.looks == [11]


async def test_a_page_of_large_jobs_ends_early_and_leads_to_the_next(stores: Stores) -> None:
    large = NewJob(queue=QUEUE, params=f'{{"a":"{"x" * (LARGE // 4)}"}}')
    ids = [await push(stores.first, large) for _ in range(6)]

    found = await pages(inspection(*stores.engines), ANY, limit=100)

    assert [ids_of(page) for page in found] == [ids[:1:-1], ids[1::-1]]


async def test_a_large_page_is_read_in_bounded_looks() -> None:
    engine = Counted()
    await engine.push([NewJob(queue=QUEUE)] * 1000)

    page = await inspection(engine).jobs(ANY, limit=1000)

    assert (len(page.jobs), page.next) == (1000, None)
    assert max(engine.looks) == LOOK


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        *["", "!", "4711", "=", "AAAA", "é", "\ud800", "A" * 50_000, cursor(""), cursor("x")],
        *[cursor("-1"), cursor("1."), cursor(".1"), cursor("1 2"), cursor("1.2"), cursor("٣")],
        *[cursor("1.9" + "0" * 15), cursor("20000000000001"), cursor("9" * 5000), cursor("1\n")],
    ],
)
async def test_a_broken_cursor_is_refused_by_name(after: str, stores: Stores) -> None:
    with pytest.raises(BadJob, match="`next`") as caught:
        await inspection(*stores.engines).jobs(ANY, limit=1, after=after)

    assert [error.field for error in caught.value.errors] == ["after"]


@pytest.mark.parametrize(
    ("which", "limit", "fields"),
    [
        (JobWish(type=""), 1, ["type"]),
        (JobWish(type="a b"), 1, ["type"]),
        (JobWish(domain="x" * 101), 1, ["domain"]),
        (JobWish(context="x" * 256), 1, ["context"]),
        (ANY, 0, ["limit"]),
        (ANY, 1001, ["limit"]),
        (JobWish(type="/", domain="/"), -1, ["type", "domain", "limit"]),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_by_name(
    which: JobWish, limit: int, fields: list[str]
) -> None:
    with pytest.raises(BadJob) as caught:
        await inspection(MemoryEngine()).jobs(which, limit=limit)

    assert [error.field for error in caught.value.errors] == fields
