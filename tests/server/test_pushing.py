"""What a push leaves stored."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from penstock.engine import Feature
from penstock.engines.memory import MemoryEngine
from penstock.errors import BadJob, EngineUnavailable, KeyReused, NotAllowed
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import Context, FunctionHandler, Registry
from penstock.inspection import Inspection
from penstock.job import Idempotency, Job, JobId, QueueKey
from penstock.policy import Policies, Policy
from penstock.serialization import JSON, JSONObject
from penstock.server.caller import Caller
from penstock.server.payload import Batch, native_job
from penstock.server.pushing import MAX_ERRORS, Entry, Stored, glimpse, push, push_batch

NOBODY = Caller()
MAIL: JSON = {"type": "mail"}
PURGE: JSON = {"type": "purge"}
BAD: JSON = {"type": "mail", "priority": 1001}
FORBIDDEN: JSON = {"command": {"type": "locked", "to": "x"}}


class LooseEngine(MemoryEngine):
    """A store that stores many one after another."""

    features = MemoryEngine.features - {Feature.ATOMIC}


class Locked(FunctionHandler):
    """A handler that nobody may use."""

    def check(self, params: JSONObject) -> None:
        """Never."""
        raise NotAllowed("locked", field="to", add="a key")


def mail(context: Context) -> JSON:
    """Do nothing."""
    return None


async def group_of(**stores: MemoryEngine) -> QueueGroup:
    """Mail lives in the first store, purge in the last."""
    policies = Policies(Policy())
    registry = Registry(
        {"mail": FunctionHandler(mail), "purge": FunctionHandler(mail), "locked": Locked(mail)}
    )
    return QueueGroup(
        {name: Store(name, engine, policies, Events()) for name, engine in stores.items()},
        default=next(iter(stores)),
        routes={"purge": [*stores][-1]},
        policies=policies,
        registry=registry,
    )


async def count(group: QueueGroup, type: str) -> int:
    """How many jobs of the type are stored."""
    queue = QueueKey("default", type)
    counts = await group.store_of_type(type).engine.counts([queue])
    return counts[queue].pushed


def key(name: str, fingerprint: str) -> Caller:
    """A caller with a key."""
    return Caller(idempotency=Idempotency(key=name, fingerprint=fingerprint))


def ids_of(entries: Sequence[Entry]) -> list[JobId]:
    """The ids of what was stored."""
    return [entry.pushed.id for entry in entries if isinstance(entry, Stored)]


async def test_a_job_is_stored() -> None:
    group = await group_of(main=MemoryEngine())

    stored = await push(group, native_job(MAIL), NOBODY)

    assert (stored.pushed.id, stored.new.queue.type) == (1, "mail")
    assert await count(group, "mail") == 1


async def test_a_key_with_another_fingerprint_stores_nothing() -> None:
    group = await group_of(main=MemoryEngine())
    await push(group, native_job(MAIL), key("k", "a"))

    with pytest.raises(KeyReused):
        await push(group, native_job(MAIL), key("k", "b"))

    assert await count(group, "mail") == 1


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_batch_is_stored_in_its_order(atomic: bool) -> None:
    group = await group_of(main=MemoryEngine())

    entries = await push_batch(group, Batch([MAIL, PURGE, MAIL], atomic), NOBODY)

    assert ids_of(entries) == [1, 2, 3]


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_batch_may_be_empty(atomic: bool) -> None:
    group = await group_of(main=MemoryEngine())

    assert await push_batch(group, Batch([], atomic), NOBODY) == []


async def test_an_atomic_batch_with_wrong_jobs_names_all_their_fields() -> None:
    group = await group_of(main=MemoryEngine())

    with pytest.raises(BadJob) as caught:
        await push_batch(group, Batch([MAIL, BAD, {"type": "x y", "priority": -1}], True), NOBODY)

    assert [error.field for error in caught.value.errors] == [
        "jobs[1].priority",
        "jobs[2].type",
        "jobs[2].priority",
    ]
    assert await count(group, "mail") == 0


async def test_an_atomic_batch_with_a_forbidden_job_names_it() -> None:
    group = await group_of(main=MemoryEngine())

    with pytest.raises(NotAllowed) as caught:
        await push_batch(group, Batch([MAIL, FORBIDDEN], True), NOBODY)

    assert caught.value.field == "jobs[1].command.to"
    assert await count(group, "mail") == 0


async def test_an_atomic_batch_of_nothing_but_wrong_jobs_is_not_read_to_its_end() -> None:
    group = await group_of(main=MemoryEngine())

    with pytest.raises(BadJob) as caught:
        await push_batch(group, Batch([BAD] * 10_000, True), NOBODY)

    assert len(caught.value.errors) == MAX_ERRORS


async def test_of_a_batch_that_is_not_atomic_the_good_ones_are_stored() -> None:
    group = await group_of(main=MemoryEngine())

    entries = await push_batch(group, Batch([BAD, MAIL, FORBIDDEN, MAIL], False), NOBODY)

    assert [type(entry) for entry in entries] == [BadJob, Stored, NotAllowed, Stored]
    assert await count(group, "mail") == 2


async def test_an_atomic_batch_over_two_stores_is_refused() -> None:
    group = await group_of(main=MemoryEngine(), fast=MemoryEngine(number=1))
    batch: Sequence[JSON] = [MAIL, PURGE]

    with pytest.raises(BadJob, match=r"atomic: .*fast, main.*\"atomic\": false"):
        await push_batch(group, Batch(batch, True), NOBODY)
    assert await count(group, "mail") == 0

    await push_batch(group, Batch(batch, False), NOBODY)
    assert (await count(group, "mail"), await count(group, "purge")) == (1, 1)


async def test_an_atomic_batch_is_refused_where_the_store_cannot_keep_the_promise() -> None:
    group = await group_of(main=LooseEngine())

    with pytest.raises(BadJob, match="atomic"):
        await push_batch(group, Batch([MAIL, MAIL], True), NOBODY)
    assert await count(group, "mail") == 0

    assert len(await push_batch(group, Batch([MAIL], True), NOBODY)) == 1


async def test_each_item_of_a_batch_is_known_again() -> None:
    group = await group_of(main=MemoryEngine())
    batch = Batch([MAIL, MAIL], True)
    first = await push_batch(group, batch, key("k", "a"))

    again = await push_batch(group, batch, key("k", "a"))

    assert ids_of(again) == ids_of(first) == [1, 2]
    assert all(entry.pushed.replayed for entry in again if isinstance(entry, Stored))
    with pytest.raises(KeyReused):
        await push_batch(group, batch, key("k", "b"))


async def test_an_empty_batch_under_a_key_is_refused() -> None:
    group = await group_of(main=MemoryEngine())

    for atomic in (True, False):
        with pytest.raises(BadJob, match="empty") as caught:
            await push_batch(group, Batch([], atomic), key("k", "a"))
        assert [error.field for error in caught.value.errors] == ["jobs"]


async def test_the_good_ones_of_a_batch_are_known_again_beside_the_bad_ones() -> None:
    group = await group_of(main=MemoryEngine())
    batch = Batch([BAD, MAIL, FORBIDDEN, MAIL], False)
    first = await push_batch(group, batch, key("k", "a"))

    again = await push_batch(group, batch, key("k", "a"))

    assert ids_of(again) == ids_of(first) == [1, 2]
    assert [type(entry) for entry in again] == [BadJob, Stored, NotAllowed, Stored]
    assert await count(group, "mail") == 2


async def test_a_batch_of_which_others_have_become_good_is_not_taken_for_the_first() -> None:
    group = await group_of(main=MemoryEngine())
    later: JSON = {"type": "later"}
    batch = Batch([later, MAIL], False)
    await push_batch(group, batch, key("k", "a"))

    group.registry.register("later", FunctionHandler(mail))

    with pytest.raises(KeyReused):
        await push_batch(group, batch, key("k", "a"))
    assert (await count(group, "mail"), await count(group, "later")) == (1, 0)


async def test_a_batch_of_bad_jobs_keeps_no_key() -> None:
    group = await group_of(main=MemoryEngine())
    await push_batch(group, Batch([BAD, BAD], False), key("k", "a"))

    entries = await push_batch(group, Batch([MAIL], True), key("k", "b"))

    assert ids_of(entries) == [1]


async def test_a_batch_under_a_key_over_two_stores_is_refused() -> None:
    group = await group_of(main=MemoryEngine(), fast=MemoryEngine(number=1))

    with pytest.raises(BadJob, match=r"Idempotency-Key: .*fast, main"):
        await push_batch(group, Batch([MAIL, PURGE], False), key("k", "a"))

    assert (await count(group, "mail"), await count(group, "purge")) == (0, 0)


async def test_what_was_stored_is_answered_so_though_it_cannot_be_read_again() -> None:
    class AwayEngine(MemoryEngine):
        """A store that went away after the push."""

        async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
            """Nothing can be read."""
            raise EngineUnavailable

    away, here = await group_of(main=AwayEngine()), await group_of(main=MemoryEngine())
    for group in (away, here):
        await push(group, native_job(MAIL), NOBODY)

    assert await glimpse(Inspection(away), JobId(1)) is None
    assert await glimpse(Inspection(here), JobId(2)) is None
    seen = await glimpse(Inspection(here), JobId(1))
    assert seen is not None
    assert seen.pushed_at.utcoffset() == timedelta(0)
