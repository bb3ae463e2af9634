"""The run: the measures that are wanted, one after the other, each on ground of its own."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from penstock.bench import claiming, draining, picking, pushing
from penstock.bench.figures import Figure
from penstock.bench.ground import Ground
from penstock.bench.machine import Machine, machine
from penstock.bench.place import Place
from penstock.bench.sizes import Sizes
from penstock.errors import NotAllowed

BYTES_PER_JOB = 600  # on a disk, with what is written beside it; more than was ever seen
TRIAL = "bench-trial"

Say = Callable[[str, str], None]  # which measure runs, and what it is doing


@dataclass(frozen=True, slots=True)
class Measure:
    """Something to measure, and about how many jobs it stores."""

    run: Callable[[Ground], Awaitable[Sequence[Figure]]]
    jobs: Callable[[Sizes], int] = lambda sizes: sizes.in_rounds
    compares: bool = False  # two stores


def _comparison(
    run: Callable[[Ground], Awaitable[Sequence[Figure]]], jobs: Callable[[Sizes], int]
) -> Measure:
    return Measure(run, jobs, compares=True)


MEASURES: Mapping[str, Measure] = {
    "push-single": Measure(pushing.one_by_one),
    "push-batch": Measure(pushing.in_batches),
    "push-tasks": Measure(pushing.from_many_tasks),
    "drain-20": Measure(partial(draining.drain, slots=20)),
    "drain-200": Measure(partial(draining.drain, slots=200)),
    "pick-up": Measure(picking.pick_up),
    "claim-1-queue": _comparison(claiming.in_one_queue, lambda sizes: sizes.large),
    "claim-many-queues": _comparison(claiming.in_many_queues, lambda sizes: sizes.large),
    "claim-scheduled": _comparison(claiming.beside_scheduled, lambda sizes: sizes.scheduled),
    "claim-superseded": _comparison(claiming.beside_superseded, lambda sizes: sizes.superseded),
    "claim-finished": _comparison(claiming.after_finished, lambda sizes: sizes.finished),
    "claim-held-open": _comparison(claiming.beside_transaction, lambda sizes: sizes.held_open),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found, and where."""

    machine: Machine
    place: str
    sizes: Sizes
    figures: Sequence[Figure]
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A run over one place."""

    place: Place
    sizes: Sizes
    only: Collection[str] = tuple(MEASURES)  # names of measures

    async def run(self, say: Say = lambda measure, text: None) -> Report:
        """The figures of all that is wanted.

        NotAllowed where the store was used before or its disk is too small, with nothing stored;
        BenchFailed where a promise was broken.
        """
        began = time.monotonic()
        store = await self._look()
        figures: list[Figure] = []
        for name in self.wanted:
            figures += await self._measure(name, partial(say, name))
        return Report(
            machine=machine(store),
            place=self.place.shown,
            sizes=self.sizes,
            figures=figures,
            took=timedelta(seconds=time.monotonic() - began),
        )

    @property
    def wanted(self) -> Sequence[str]:
        """The names of what is measured, in its order."""
        return [name for name in MEASURES if name in self.only]

    async def _measure(self, name: str, say: Callable[[str], None]) -> Sequence[Figure]:
        say("")
        measure = MEASURES[name]
        async with AsyncExitStack() as stores:
            store = await stores.enter_async_context(self.place.store())
            ground = Ground(settings=store, domain=f"bench-{name}", sizes=self.sizes, say=say)
            if measure.compares and not self.place.shared:
                other = await stores.enter_async_context(self.place.store())
                ground = replace(ground, other=other)
            return await measure.run(ground)

    async def _look(self) -> str | None:
        """The version of what stores the jobs, where it can be told; NotAllowed where it may not be measured."""
        async with self.place.store() as settings:
            ground = Ground(settings=settings, domain=TRIAL, sizes=self.sizes)
            async with ground.open() as site:
                counts = await site.store.engine.counts()
                used = sum(each.pushed for each in counts.values())
                if used:
                    raise NotAllowed(_used(self.place.shown, used, len(counts)))
                if site.bare is None:
                    return None
                self._refuse_full(site.bare.room())
                return site.bare.version

    def _refuse_full(self, room: int | None) -> None:
        needs = [MEASURES[name].jobs(self.sizes) for name in self.wanted]
        jobs = sum(needs) if self.place.shared else max(needs, default=0)
        if room is not None and room < jobs * BYTES_PER_JOB:
            raise NotAllowed(
                f"{jobs:,} jobs may need {jobs * BYTES_PER_JOB:,} bytes and {self.place.shown} has {room:,}; "
                "take a smaller --jobs, or a place with more room"
            )


def _used(place: str, jobs: int, queues: int) -> str:
    return (
        f"{place} is in use: {jobs} jobs in {queues} queues were pushed to it. A bench fills its store and leaves "
        "it full; name one that is empty, or none for a temporary file"
    )
