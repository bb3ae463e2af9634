# long: one stand-in, from its start to its close
"""A store that is away when the process starts is taken in once it is back and in order, and not before."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from penstock.conformance.builders import QUEUE, claim, counts_of, job, names, push_one, root
from penstock.engine import Engine, Feature, Registration, StoreIdentity
from penstock.engines.federated import FederatedEngine, Partition, late_engine
from penstock.engines.memory import MemoryEngine
from penstock.errors import (
    EngineError,
    EngineUnavailable,
    PenstockError,
    SettingsError,
    StoreMismatch,
)
from penstock.job import Job, store_number

AWAY = EngineUnavailable("nobody answers")
NEWER = StoreMismatch("schema 9 is newer")
VOLATILE = SettingsError("it can lose jobs")


class Behind(MemoryEngine):
    """A store that cannot be opened while it is in trouble, and has been asked to so many times."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number=number)
        self.trouble: PenstockError | None = None
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        await super().open()


class Undelayed(Behind):
    """It cannot delay jobs."""

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.features = self.features - {Feature.DELAY}


@dataclass
class Late:
    """A late engine, what lies behind it, and the clock of its process."""

    behind: Behind = field(default_factory=Behind)
    check: Callable[[Engine], None] = lambda engine: (
        None
    )  # raises what is wrong with the open store
    now: float = 100.0

    def __post_init__(self) -> None:
        self.engine = late_engine(
            self.behind, self.opening, name="west", number=7, now=lambda: self.now
        )

    async def opening(self, engine: Engine) -> None:
        await engine.open()
        self.check(engine)

    def come_back(self) -> None:
        """It is in order, and the next look is due."""
        self.behind.trouble = None
        self.now += 2


async def test_a_store_that_is_there_is_as_without_it() -> None:
    late = Late()

    await late.engine.open()
    id = await push_one(late.engine, job())

    assert late.engine.identity == late.behind.identity
    assert late.engine.features == late.behind.features
    assert [found and found.id for found in await late.engine.get([id])] == [id]
    assert late.behind.opened == 1


async def test_without_its_store_it_is_open_and_has_a_number_only() -> None:
    late = Late()
    late.behind.trouble = AWAY

    await late.engine.open()

    assert late.engine.identity == StoreIdentity(uuid="", number=7)
    with pytest.raises(EngineUnavailable, match="nobody answers"):
        assert late.engine.features
    with pytest.raises(EngineUnavailable, match="store west was not taken in: nobody answers"):
        await late.engine.push([job()])


async def test_the_first_verb_that_finds_the_store_opens_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    late = Late()
    late.behind.trouble = AWAY
    caplog.set_level(logging.INFO)
    await late.engine.open()

    late.come_back()
    await push_one(late.engine, job())

    assert late.engine.identity == late.behind.identity
    assert [record.getMessage() for record in caplog.records] == [
        "store west is away; taken in when it is back: nobody answers",
        "store west is back, and was taken in",
    ]


async def test_it_is_looked_for_once_a_second_however_many_ask() -> None:
    late = Late()
    late.behind.trouble = AWAY
    await late.engine.open()

    for _ in range(3):
        late.now += 1
        asked = (late.engine.counts() for _ in range(5))
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in told] == [EngineUnavailable] * 5

    assert late.behind.opened == 4


@pytest.mark.parametrize("trouble", [NEWER, SettingsError("no such driver")])
async def test_what_is_wrong_with_a_store_that_is_there_refuses_the_start(
    trouble: PenstockError,
) -> None:
    late = Late()
    late.behind.trouble = trouble

    with pytest.raises(type(trouble), match=str(trouble)):
        await late.engine.open()


async def test_what_the_check_finds_refuses_the_start() -> None:
    def refuse(engine: Engine) -> None:
        assert engine.features
        raise VOLATILE

    with pytest.raises(SettingsError, match="it can lose jobs"):
        await Late(check=refuse).engine.open()


async def test_what_is_found_wrong_later_is_told_once_and_keeps_the_store_out_until_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    late = Late()
    late.behind.trouble = AWAY
    await late.engine.open()
    caplog.clear()

    late.behind.trouble = NEWER
    for _ in range(3):
        late.now += 2
        with pytest.raises(EngineUnavailable, match="schema 9 is newer"):
            await late.engine.counts()
    [told] = caplog.records
    late.come_back()

    assert (told.levelname, told.getMessage()) == (
        "ERROR",
        "store west stays out until this is mended: schema 9 is newer",
    )
    assert await late.engine.counts() == {}


async def test_what_the_check_finds_later_keeps_the_store_out_and_closed() -> None:
    found: list[PenstockError] = []

    def check(engine: Engine) -> None:
        if found:
            raise found[0]

    late = Late(check=check)
    late.behind.trouble = AWAY
    await late.engine.open()

    found.append(VOLATILE)
    late.come_back()

    with pytest.raises(EngineUnavailable, match="it can lose jobs"):
        await late.engine.counts()
    assert late.engine.identity.uuid == ""


async def test_once_closed_no_verb_opens_it() -> None:
    late = Late()
    await late.engine.open()
    await late.engine.close()

    with suppress(EngineError):
        await late.engine.paused()

    assert late.behind.opened == 1


async def test_a_close_while_it_is_taken_in_leaves_it_closed() -> None:
    late = Late()
    late.behind.trouble = AWAY
    await late.engine.open()
    late.come_back()
    asked = asyncio.create_task(late.engine.paused())
    await asyncio.sleep(0)

    await late.engine.close()
    with suppress(EngineError):
        await asked

    assert late.engine.identity.uuid == ""
    assert late.behind.opened == 2


async def test_it_can_be_closed_and_opened_again_at_another_loop() -> None:
    late = Late()
    await late.engine.open()
    id = await push_one(late.engine, job())
    await late.engine.close()
    with pytest.raises(EngineUnavailable):
        assert late.engine.features

    async def found_by_many() -> list[Sequence[Job | None]]:
        await late.engine.open()
        return await asyncio.gather(*(late.engine.get([id]) for _ in range(3)))

    found = await asyncio.to_thread(asyncio.run, found_by_many())

    assert [one.id for [one] in found if one] == [id] * 3


@dataclass
class Wide:
    """A federation over a store in memory and a late one, on one clock."""

    late: Late
    now: float = 0.0

    def __post_init__(self) -> None:
        self.east = MemoryEngine(number=1)
        self.engine = FederatedEngine(
            [
                Partition(name="east", engine=self.east, weight=1),
                Partition(name="west", engine=self.late.engine, weight=1),
            ],
            now=lambda: self.now,
        )

    def come_back(self) -> None:
        """The store is in order, and asked again."""
        self.late.come_back()
        self.now += 6


@pytest.fixture
async def wide() -> Wide:
    made = Wide(Late(Behind(number=7)))
    made.late.behind.trouble = AWAY
    await made.engine.open()
    return made


async def test_a_federation_works_without_it_and_with_it_once_it_is_back(wide: Wide) -> None:
    alone = [await push_one(wide.engine, job(str(n), dedupe_key=str(n))) for n in range(20)]
    wide.come_back()
    together = [await push_one(wide.engine, job(str(n), dedupe_key=f"b{n}")) for n in range(20)]

    assert {store_number(id) for id in alone} == {1}
    assert {store_number(id) for id in together} == {1, 7}
    assert (await counts_of(wide.engine)).pushed == 40


async def test_it_learns_what_it_has_missed_before_it_gives_a_job(wide: Wide) -> None:
    await wide.late.behind.push([job("old", root=root(1))])
    await wide.engine.register([Registration(queue=QUEUE, root=root(2))])
    assert (await claim(wide.engine)).superseded == 0

    wide.come_back()

    claimed = await claim(wide.engine)
    assert (names(claimed.claims), claimed.superseded) == ([], 1)


async def test_where_no_partition_is_there_the_federation_cannot_open() -> None:
    late = Late()
    late.behind.trouble = AWAY
    alone = FederatedEngine([Partition(name="west", engine=late.engine, weight=1)])

    with pytest.raises(EngineUnavailable, match="nobody answers"):
        await alone.open()


async def test_one_that_cannot_delay_stays_out_where_jobs_may_be_delayed() -> None:
    wide = Wide(Late(Undelayed(number=7)))
    wide.late.behind.trouble = AWAY
    await wide.engine.open()
    assert Feature.DELAY in wide.engine.features

    wide.come_back()
    ids = [await push_one(wide.engine, job(str(n))) for n in range(20)]

    assert {store_number(id) for id in ids} == {1}


async def test_a_federation_promises_no_delays_where_one_partition_cannot() -> None:
    wide = Wide(Late(Undelayed(number=7)))

    await wide.engine.open()

    assert Feature.DELAY not in wide.engine.features
