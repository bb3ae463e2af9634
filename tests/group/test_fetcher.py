"""Fetching: whose jobs are claimed, in which order, over several stores."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Claimed, ReadyQueue, Want
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.events import Events
from penstock.group import QueueGroup, Store, Turns
from penstock.group.fetcher import Fetcher, Taken
from penstock.handler import Context, FunctionHandler, Registry
from penstock.job import QueueKey, Root
from penstock.policy import Policies, Policy
from penstock.queue import JobSpec
from penstock.serialization import JSON
from tests.installation import Installation, installation


async def nothing(context: Context) -> JSON:
    return None


HANDLERS = {type: FunctionHandler(nothing) for type in ("a", "b", "c")}


async def all_fetched(fetcher: Fetcher, slots: int) -> list[Taken]:
    """What is fetched until the slots are full or nothing is ready."""
    taken = list(await fetcher.fetch(slots))
    while len(taken) < slots and (more := await fetcher.fetch(slots - len(taken))):
        taken += more
    return taken


async def types_fetched(at: Installation, slots: int, **only: list[str]) -> list[str]:
    fetcher = Fetcher(at.group, "w1", types=only.get("types"), domains=only.get("domains"))
    return [taken.claim.job.type for taken in await all_fetched(fetcher, slots)]


async def test_the_highest_priority_over_all_queues_comes_first() -> None:
    at = await installation(HANDLERS)
    await at.push(
        JobSpec("a", priority=900),
        JobSpec("a", priority=100),
        JobSpec("b", priority=500),
        JobSpec("c", priority=700),
    )

    assert await types_fetched(at, 3) == ["a", "c", "b"]


async def test_equal_queues_share_the_slots_and_an_empty_one_leaves_its_share() -> None:
    at = await installation(HANDLERS)
    await at.push(*[JobSpec("a", {"i": i}) for i in range(10)], JobSpec("b"))

    fetched = await types_fetched(at, 6)

    assert sorted(fetched) == ["a"] * 5 + ["b"]


async def test_a_noisy_domain_leaves_half_of_the_slots_to_a_quiet_one() -> None:
    at = await installation(HANDLERS)
    await at.push(*[JobSpec("a", domain="noisy") for _ in range(10)])
    await at.push(*[JobSpec("a", domain="quiet") for _ in range(10)])

    taken = await Fetcher(at.group, "w1").fetch(4)

    assert sorted(one.claim.job.domain for one in taken) == ["noisy"] * 2 + ["quiet"] * 2


async def test_superseded_jobs_do_not_hide_those_behind_them() -> None:
    at = await installation(HANDLERS)
    old = Root(signature="s", timestamp=at.clock.now())
    new = Root(signature="s", timestamp=at.clock.now() + timedelta(seconds=1))
    await at.push(*[JobSpec("a", {"i": i}, root=old) for i in range(50)])
    [wanted] = await at.push(JobSpec("a", {"i": 99}, root=new))

    taken = await Fetcher(at.group, "w1").fetch(2)

    assert [one.claim.job.id for one in taken] == [wanted]


async def test_only_wanted_types_and_domains_are_fetched() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("a"), JobSpec("b"), JobSpec("b", domain="other"))

    assert await types_fetched(at, 9, types=["b"], domains=["other"]) == ["b"]
    assert await types_fetched(at, 9, types=["c"]) == []


async def test_types_without_a_handler_here_are_left_alone() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("a"))
    at.group.registry = Registry({"b": FunctionHandler(nothing)})

    assert list(await Fetcher(at.group, "w1").fetch(9)) == []


async def test_a_paused_queue_is_passed_over() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("a"), JobSpec("b"))
    await at.engine.pause([QueueKey("default", "a")])

    assert await types_fetched(at, 9) == ["b"]


class Away(MemoryEngine):
    """A store that cannot be reached for a while."""

    away = False

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        if self.away:
            raise EngineUnavailable("away for a test")
        return await super().ready(types, domains, limit=limit)

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        self.away = True  # from now on
        return await super().claim(wants, worker)


def two_stores(one: MemoryEngine, two: MemoryEngine) -> QueueGroup:
    policies = Policies(Policy())
    stores = {
        name: Store(name, engine, policies, Events())
        for name, engine in {"one": one, "two": two}.items()
    }
    return QueueGroup(
        stores, default="one", routes={"b": "two"}, policies=policies, registry=Registry(HANDLERS)
    )


async def test_claims_come_from_every_store_by_priority() -> None:
    group = two_stores(MemoryEngine(number=0), MemoryEngine(number=1))
    await group.push([JobSpec("a"), JobSpec("b", priority=800), JobSpec("a", priority=900)])

    taken = await all_fetched(Fetcher(group, "w1"), 3)

    assert [(one.store.name, one.claim.job.priority) for one in taken] == [
        ("one", 900),
        ("two", 800),
        ("one", 500),
    ]


async def test_what_was_claimed_is_given_out_although_the_store_went_away_then() -> None:
    at = await installation(HANDLERS, engine=Away(clock=ManualClock()))
    [id] = await at.push(JobSpec("a"))
    fetcher = Fetcher(at.group, "w1")

    taken = await fetcher.fetch(9)

    assert [one.claim.job.id for one in taken] == [id]
    assert list(await fetcher.fetch(9)) == []
    assert str(fetcher.troubles["main"]) == "away for a test"


async def test_a_store_that_is_away_keeps_the_others_from_nothing() -> None:
    one, two = Away(number=0), MemoryEngine(number=1)
    group = two_stores(one, two)
    await group.push([JobSpec("a"), JobSpec("b")])
    one.away = True
    fetcher = Fetcher(group, "w1")

    taken = await fetcher.fetch(9)

    assert [found.store.name for found in taken] == ["two"]
    assert list(fetcher.troubles) == ["one"]


async def test_named_types_need_no_handler_here() -> None:
    at = await installation(HANDLERS, accepts=lambda type: True)
    await at.push(JobSpec("a"), JobSpec("elsewhere"))

    assert await types_fetched(at, 9, types=["elsewhere"]) == ["elsewhere"]


async def test_a_ttl_of_its_own_stands_for_that_of_the_type() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("a"))

    [taken] = await Fetcher(at.group, "w1", ttl=timedelta(minutes=5)).fetch(1)

    assert taken.claim.until - at.clock.now() == timedelta(minutes=5)


async def test_those_who_share_turns_are_served_as_one() -> None:
    at = await installation(HANDLERS)
    await at.push(*[JobSpec(type, {"i": i}) for i in range(3) for type in ("a", "b", "c")])
    turns = Turns()

    fetched = [await Fetcher(at.group, f"w{n}", turns=turns).fetch(1) for n in range(3)]

    assert {taken.claim.job.type for [taken] in fetched} == {"a", "b", "c"}


async def test_a_fetch_that_found_nothing_but_superseded_jobs_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.group.fetcher.ROUNDS", 1)
    at = await installation(HANDLERS)
    old = Root(signature="s", timestamp=at.clock.now())
    new = Root(signature="s", timestamp=at.clock.now() + timedelta(seconds=1))
    await at.push(*[JobSpec("a", {"i": i}, root=old) for i in range(1500)])
    [wanted] = await at.push(JobSpec("a", {"i": -1}, root=new))
    fetcher = Fetcher(at.group, "w1")

    first = await fetcher.fetch(1)
    gave_up = fetcher.gave_up
    second = await fetcher.fetch(1)

    assert (list(first), gave_up) == ([], True)
    assert [taken.claim.job.id for taken in second] == [wanted]
    assert not fetcher.gave_up
