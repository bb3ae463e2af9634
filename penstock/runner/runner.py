"""The runner: fills its slots with claimed jobs until it is told to stop."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta

from penstock.errors import EngineError
from penstock.group import End, Fetcher, QueueGroup, Taken
from penstock.inspection import Health
from penstock.job import Move, Presence
from penstock.policy import decide
from penstock.runner.executor import LAST_WORDS, Executor
from penstock.runner.finisher import Finish, Finisher
from penstock.runner.heartbeat import Heartbeat
from penstock.runner.processes import Processes
from penstock.runner.running import Running, Why
from penstock.runner.threads import Threads

log = logging.getLogger(__name__)

IDLE = timedelta(seconds=1)  # the longest pause between two looks at an idle store
PATIENCE = timedelta(seconds=1)  # between two tries at a store that is away
GRACE = timedelta(seconds=25)
LAST_ENDS = LAST_WORDS + timedelta(seconds=1.5)  # for what is stopped to be given back


class Runner:
    """Runs jobs of many types, several at once."""

    def __init__(
        self,
        group: QueueGroup,
        health: Health,
        *,
        worker: str,
        slots: int = 20,
        grace: timedelta = GRACE,
        types: Collection[str] | None = None,
        domains: Collection[str] | None = None,
    ) -> None:
        self._group = group
        self._health = health
        self._slots = slots
        self._grace = grace
        self._running: dict[int, Running] = {}
        self._busy = 0
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()
        self._worker = worker
        self._executor = Executor(group)
        self._waiter = group.waiter()
        here = None if types is None else set(types) & set(group.registry.types)
        self._fetcher = Fetcher(group, worker, types=here, domains=domains)
        self._finisher = Finisher(health)
        shown = frozenset(group.registry.types if types is None else types)
        presence = Presence(worker=worker, slots=slots, types=shown)
        self._heartbeat = Heartbeat(group, health, presence, lambda: tuple(self._running.values()))
        self._threads = Threads()
        self._processes = Processes()

    def stop(self) -> None:
        """Claim nothing more; let what runs end within the grace, release the rest. A second call ends the grace."""
        if self._stopping.is_set():
            self._hurrying.set()
        log.info(
            "stopping: %d jobs still run and have %g s to end; stop again not to wait for them",
            len(self._running),
            self._grace.total_seconds(),
        )
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Run jobs until stopped; whatever the stores do, it goes on."""
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self._heartbeat.run())
            finishing = tasks.create_task(self._finisher.run())
            try:
                await self._fetch_until_stopped(tasks)
                await self._let_end()
            finally:
                beating.cancel()
                finishing.cancel()
                await self._processes.close()
        self._threads.shutdown()
        await self._leave()

    async def _fetch_until_stopped(self, tasks: asyncio.TaskGroup) -> None:
        while not self._stopping.is_set():
            try:
                await self._fill(tasks)
            except EngineError as error:
                self._health.fails("fetcher", str(error))
                await self._pause(PATIENCE)
            except Exception as error:
                self._health.fails("fetcher", repr(error))
                log.exception("cannot fetch")
                await self._pause(PATIENCE)

    async def _fill(self, tasks: asyncio.TaskGroup) -> None:
        self._wake.clear()
        taken = await self._fetch()
        for one in taken:
            self._start(one, tasks)
        if self._room() == 0:
            await self._wake.wait()
        elif not taken and any(map(self._needs, self._fetcher.troubles)):
            await self._pause(PATIENCE)
        elif not taken and not self._fetcher.gave_up:
            await self._until_ready()

    async def _fetch(self) -> Sequence[Taken]:
        """What may start now, and what that told of the stores."""
        room = self._room()
        if room == 0:
            return ()
        self._health.asks("fetcher")
        taken = await self._fetcher.fetch(room)
        for name in self._group.places:
            trouble = self._fetcher.troubles.get(name)
            if trouble is None:
                self._health.works(f"fetcher:{name}")
            else:
                self._health.fails(f"fetcher:{name}", str(trouble))
        self._health.works("fetcher")
        return taken

    def _needs(self, place: str) -> bool:
        """Whether nothing can be waited for while this one is away."""
        return not self._group.is_partition(self._group.places[place])

    def _room(self) -> int:
        """Free slots; none while too many ends wait for a slow store."""
        return max(0, min(self._slots - self._busy, self._slots * 4 - len(self._running)))

    async def _until_ready(self) -> None:
        """Return when a job may be ready, a slot has become free, or the runner is to stop."""
        ready = asyncio.ensure_future(self._waiter.wait(IDLE))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            done, _ = await asyncio.wait({ready, woken}, return_when=asyncio.FIRST_COMPLETED)
            if ready in done:
                ready.result()
        finally:
            for task in (ready, woken):
                task.cancel()
            await asyncio.gather(ready, woken, return_exceptions=True)

    async def _pause(self, duration: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), duration.total_seconds())

    def _start(self, taken: Taken, tasks: asyncio.TaskGroup) -> None:
        ttl = self._group.policies.of(taken.claim.job.type).ttl
        running = Running.of(taken, ttl=ttl, threads=self._threads, processes=self._processes)
        self._running[id(running)] = running
        self._busy += 1
        running.task = tasks.create_task(self._run(running))
        if self._stopping.is_set():
            running.stop(Why.STOPPED)  # it came while we were told to stop

    async def _run(self, running: Running) -> None:
        happened = await running.run(self._executor.attempt)
        running.finishing = True
        running.when_free(self._free)
        if happened is None:
            self._settled(running, False)
            return
        policy = self._group.policies.of(running.claim.job.type)
        outcome = decide(happened, running.claim.job, policy)
        if outcome.move is Move.BURY:
            running.context.log.warning("is dead: %s", outcome.error)
        end = End(running.claim, outcome)
        self._finisher.put(Finish(running.store, end, lambda held: self._settled(running, held)))

    def _free(self) -> None:
        self._busy -= 1
        self._wake.set()

    def _settled(self, running: Running, held: bool) -> None:
        self._running.pop(id(running), None)
        running.settled.set()
        self._wake.set()
        if not held:
            log.warning("job %s: its claim was lost before its end", running.claim.job.id)

    async def _let_end(self) -> None:
        """Wait for what runs, at most the grace; then stop it and let it be released."""
        ended = asyncio.ensure_future(self._all_settled())
        hurry = asyncio.ensure_future(self._hurrying.wait())
        try:
            await asyncio.wait(
                {ended, hurry},
                timeout=self._grace.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            for running in tuple(self._running.values()):
                running.stop(Why.STOPPED)
            await asyncio.wait_for(ended, LAST_ENDS.total_seconds())
        except TimeoutError:
            count = len(self._running)
            log.warning("stopped with %d jobs not given back; their claims run out", count)
        finally:
            hurry.cancel()

    async def _all_settled(self) -> bool:
        for running in tuple(self._running.values()):
            await running.settled.wait()
        return True

    async def _leave(self) -> None:
        """The stores know that nothing is held any more, as far as they are to be had now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE.total_seconds()):
                for store in self._group.stores.values():
                    with contextlib.suppress(EngineError):
                        await store.engine.forget(self._worker)
