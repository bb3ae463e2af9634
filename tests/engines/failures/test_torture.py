"""The torture's own checks: they pass what is sound, and each notices what it is there for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from penstock.conformance.builders import claims, job, push_one
from penstock.engine import Ack, Engine
from penstock.job import ClaimRef, JobId
from tests.engines.failures.clients import BATCH, Client, Record
from tests.engines.failures.torture import check
from tests.engines.memory_harness import MemoryHarness


class MemoryStore:
    """A store that nobody can kill."""

    kind = "memory"
    url = "memory://"

    def __init__(self) -> None:
        self._harness = MemoryHarness()

    def engine(self) -> Engine:
        return self._harness.engine

    async def age(self, duration: timedelta) -> None:
        await self._harness.age(duration)


async def worked(store: MemoryStore) -> Record:
    """What was answered to a client that did each thing once and left something to be done."""
    record = Record()
    await store.engine().open()
    client = Client(store.engine(), "client", record.hear)
    for turn in (client.push_one, client.push_batch, client.run, client.push_keyed):
        await turn(1)
    await claims(store.engine())
    return record


async def test_what_is_sound_passes() -> None:
    store = MemoryStore()

    record = await worked(store)

    assert (len(record.pushed), len(record.acked)) == (1 + 2 * BATCH, 1 + BATCH)
    await check(store, record)


def lost(record: Record) -> None:
    record.pushed['{"name":"never stored"}'] = JobId(999)


def given_twice(record: Record) -> None:
    record.given.append(record.given[0])


def given_after_its_ack(record: Record) -> None:
    record.given.append(ClaimRef(record.acked[0].id, record.acked[0].fence + 1))


def acked_twice(record: Record) -> None:
    record.acked.append(record.acked[0])


SPOILS: list[tuple[Callable[[Record], None], str]] = [
    (lost, "is not there"),
    (given_twice, "given twice"),
    (given_after_its_ack, "given again"),
    (acked_twice, "acked twice"),
]


@pytest.mark.parametrize(("spoil", "why"), SPOILS)
async def test_what_is_wrong_is_noticed(spoil: Callable[[Record], None], why: str) -> None:
    store = MemoryStore()
    record = await worked(store)

    spoil(record)

    with pytest.raises(AssertionError, match=why):
        await check(store, record)


async def test_a_torn_batch_is_noticed() -> None:
    store = MemoryStore()
    record = await worked(store)
    await push_one(store.engine(), job("client batch 2 0"))

    with pytest.raises(AssertionError, match="a batch was torn"):
        await check(store, record)


async def test_what_is_stored_twice_is_noticed() -> None:
    store = MemoryStore()
    record = await worked(store)
    await push_one(store.engine(), job("client one 1"))

    with pytest.raises(AssertionError, match="stored twice"):
        await check(store, record)


async def test_a_follow_up_that_was_torn_off_is_noticed() -> None:
    store = MemoryStore()
    record = await worked(store)
    id = await push_one(store.engine(), job("client one 2"))
    [held] = await store.engine().claim_ids([id], ttl=timedelta(hours=1), worker="w")
    await store.engine().ack([Ack(ref=held.ref)])

    with pytest.raises(AssertionError, match="torn off"):
        await check(store, record)
