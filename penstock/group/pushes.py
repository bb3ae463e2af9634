"""Pushes that come in together: those that ask nothing of their store but to be stored share a commit.

A commit costs more than a job, and many callers push one job each. A push that meets no other goes by itself, at once;
what comes in while some are under way goes together when one of them has ended.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.engine import Engine, Feature, Pushed
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import NewJob, QueueKey

UNDER_WAY = 2  # commits at once; with more of them there is less to go together
FEW = 20  # jobs in a push that is worth joining
MOST = 500  # jobs in a commit
KNOWN = 100_000  # queues to which jobs were pushed before
LARGE = 1_000_000  # characters of params in a commit; one that is larger goes by itself

_NOTHING = (None, None, None)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One caller's jobs, and where their answers go."""

    jobs: Sequence[NewJob]
    size: int
    answer: asyncio.Future[Sequence[Pushed]]


class Pushes:
    """The pushes to one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[_Waiting] = deque()
        self._under_way = 0
        self._lanes: set[asyncio.Task[None]] = set()
        self._known: set[QueueKey] = set()

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """The jobs are stored, all or none, and answered in their places."""
        size = sum(len(job.params) for job in jobs)
        if len(jobs) > FEW or size > LARGE or not all(map(self._is_plain, jobs)):
            pushed = await self._engine.push(jobs)
            self._know(jobs)
            return pushed
        if self._under_way < UNDER_WAY:
            return await self._push_now(jobs)
        answer: asyncio.Future[Sequence[Pushed]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(jobs, size, answer))
        return await answer

    def _is_plain(self, job: NewJob) -> bool:
        """Whether its push can neither wait for that of another nor depend on what else is pushed with it.

        A new queue waits, where somebody has made it in a transaction that is still open.
        """
        asks = (job.dedupe_key, job.root, job.idempotency)
        return asks == _NOTHING and job.queue in self._known

    def _know(self, jobs: Sequence[NewJob]) -> None:
        if len(self._known) > KNOWN:
            self._known.clear()
        self._known.update(job.queue for job in jobs)

    async def _push_now(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        self._under_way += 1
        try:
            return await self._engine.push(jobs)
        finally:
            self._under_way -= 1
            self._go_on()

    def _go_on(self) -> None:
        """Those who wait are served, by a task of its own: a caller who gives up takes nobody with him."""
        if self._waiting and self._under_way < UNDER_WAY:
            self._under_way += 1
            lane = asyncio.ensure_future(self._serve())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def _serve(self) -> None:
        together: Sequence[_Waiting] = ()
        try:
            while together := self._take():
                await self._push_together(together)
        finally:
            self._under_way -= 1
            for each in together:
                each.answer.cancel()

    def _take(self) -> Sequence[_Waiting]:
        """Those who have waited longest, as many as may go together."""
        together: list[_Waiting] = []
        jobs = size = 0
        while self._waiting:
            jobs, size = jobs + len(self._waiting[0].jobs), size + self._waiting[0].size
            if together and (jobs > MOST or size > LARGE):
                break
            first = self._waiting.popleft()
            if not first.answer.done():
                together.append(first)
        return together

    async def _push_together(self, together: Sequence[_Waiting]) -> None:
        try:
            pushed = await self._engine.push([job for each in together for job in each.jobs])
        except Exception as error:  # noqa: BLE001 - told to those who asked
            if len(together) == 1 or not self._has_stored_nothing(error):
                _fail(together, error)
                return
            # What the store does not take of one must not fail the others.
            for each in together:
                await self._push_together([each])
        else:
            _answer(together, pushed)

    def _has_stored_nothing(self, error: Exception) -> bool:
        """Whether that is sure; of a store that cannot be reached nobody knows."""
        is_refusal = isinstance(error, EngineError) and not isinstance(error, EngineUnavailable)
        return is_refusal and Feature.ATOMIC in self._engine.features


def _answer(together: Sequence[_Waiting], pushed: Sequence[Pushed]) -> None:
    start = 0
    for each in together:
        end = start + len(each.jobs)
        if not each.answer.done():
            each.answer.set_result(pushed[start:end])
        start = end


def _fail(together: Sequence[_Waiting], error: Exception) -> None:
    for each in together:
        if not each.answer.done():
            each.answer.set_exception(error)
