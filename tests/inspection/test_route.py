"""From where to where jobs may be copied."""

import pytest

from penstock.conformance.builders import HOUR, QUEUE, job, push, put
from penstock.engine import Feature
from penstock.engines.memory import MemoryEngine
from penstock.errors import CallerError, SettingsError, UnknownType, UnsupportedFeature
from penstock.group import QueueGroup
from penstock.inspection import route
from penstock.job import CALLBACK_TYPE, QueueKey, State
from tests.inspection.two import group_of, opened

WIDE = ("b", "c")


class Prompt(MemoryEngine):
    """A store that cannot delay jobs."""

    features = MemoryEngine.features - {Feature.DELAY}


async def four() -> QueueGroup:
    """Three stores, a federation over two of them and one over all."""
    engines = {name: MemoryEngine(number=number) for number, name in enumerate("abc")}
    return await opened(group_of(engines, federations={"wide": WIDE, "wider": ("a", "b", "c")}))


async def stores_copied_from(group: QueueGroup, source: str, target: str) -> list[str]:
    for store in group.stores.values():
        await push(store.engine, job())
    return [part.store.name for part in (await route(group, QUEUE.type, source, target)).parts]


@pytest.mark.parametrize(
    ("source", "target", "stores"),
    [
        ("a", "b", ["a"]),
        ("a", "wide", ["a"]),
        ("wide", "a", ["b", "c"]),
        ("wide", "b", ["c"]),
        ("wider", "wide", ["a"]),
    ],
)
async def test_jobs_are_copied_from_stores_that_the_target_does_not_have(
    source: str, target: str, stores: list[str]
) -> None:
    assert await stores_copied_from(await four(), source, target) == stores


@pytest.mark.parametrize(("source", "target"), [("b", "wide"), ("wide", "wider")])
async def test_a_part_of_the_target_has_nothing_to_copy(source: str, target: str) -> None:
    with pytest.raises(CallerError, match=f"{source} is a part of {target}: .* nothing to copy"):
        await route(await four(), "mail", source, target)


@pytest.mark.parametrize(
    ("type", "source", "target", "error", "told"),
    [
        ("mail", "a", "a", CallerError, "a is both source and target; name two stores"),
        ("mail", "wied", "a", SettingsError, "no store wied is configured; did you mean wide"),
        ("mail", "a", "x", SettingsError, "no store x is configured; known: a, b, c, wide, wider"),
        ("mial", "a", "b", UnknownType, "no job of type mial was ever pushed; did you mean mail"),
        (CALLBACK_TYPE, "a", "b", CallerError, "callback: each store has the callbacks of its own"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    type: str, source: str, target: str, error: type[CallerError], told: str
) -> None:
    with pytest.raises(error, match=told):
        await route(await four(), type, source, target)


async def test_a_type_that_is_known_and_was_never_pushed_has_no_queues() -> None:
    assert (await route(await four(), "mail", "a", "b")).parts == []


async def test_all_domains_are_meant_unless_some_are_named() -> None:
    group = await four()
    keys = [QueueKey(domain, "mail") for domain in ("x", "y", "z")]
    others = [QueueKey("x", "sms")]
    await push(group.stores["a"].engine, *(job(queue=key) for key in [*keys, *others]))

    every = await route(group, "mail", "a", "b")
    some = await route(group, "mail", "a", "b", ["z", "x"])
    none = await route(group, "mail", "a", "b", ["q"])

    assert [part.queue for part in every.parts] == keys
    assert [part.queue.domain for part in some.parts] == ["x", "z"]
    assert (every.waiting, some.waiting, none.waiting) == (3, 2, 0)


async def test_queues_in_which_nothing_waits_or_runs_are_left_out() -> None:
    group = await four()
    engine = group.stores["a"].engine
    for state in State:
        await put(engine, state, job(queue=QueueKey(state.value, "mail")))

    found = await route(group, "mail", "a", "b")

    assert [part.queue.domain for part in found.parts] == ["claimed", "ready", "scheduled"]
    assert found.waiting == 2


async def test_scheduled_jobs_are_refused_where_the_target_cannot_delay_them() -> None:
    group = group_of({"a": MemoryEngine(), "b": Prompt(number=1)})
    await push(group.stores["a"].engine, job(), job(delay=HOUR, queue=QueueKey("x", "mail")))

    with pytest.raises(UnsupportedFeature, match="b cannot delay jobs, and 1 of these are"):
        await route(group, "mail", "a", "b")
    assert (await route(group, "mail", "a", "b", ["default"])).waiting == 1
