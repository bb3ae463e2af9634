"""An engine and the model beside it, asked the same questions."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from penstock.conformance.builders import MANY
from penstock.conformance.harness import Harness
from penstock.engine import Ack, Bury, Cancel, Engine, Feature, JobFilter
from penstock.job import Job, NewJob
from penstock.serialization import encode
from tests.engines.stateful.model import Model
from tests.engines.stateful.store import Record

_Answer = TypeVar("_Answer")
_Question = TypeVar("_Question")
_End = TypeVar("_End", Ack, Bury, Cancel)


class Pair(RuleBasedStateMachine):
    """The hands of a machine, without its rules."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.other: Engine | None = None
        self.is_used = False
        self._names = 0
        self._loop = asyncio.new_event_loop()
        self._left = AsyncExitStack()
        try:
            self.harness = self.run(self._left.enter_async_context(self.stage()))
        except BaseException:
            self._loop.close()
            raise

    def stage(self) -> AbstractAsyncContextManager[Harness]:
        """An engine, open, on an empty store; closed at the end."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Nothing is open any more."""
        try:
            self.run(self._left.aclose())
        finally:
            self._loop.close()

    def has(self, feature: Feature) -> bool:
        """Whether the engine promises this."""
        return feature in self.engine.features

    @property
    def engine(self) -> Engine:
        """Whom to ask: the engine, or another on the same store."""
        return self.other or self.harness.engine

    def compare_each(
        self,
        verb: Callable[[Sequence[_Question]], Coroutine[object, object, Sequence[_Answer]]],
        says: Callable[[_Question], _Answer],
        batch: Sequence[_Question],
    ) -> None:
        """The engine answers the batch as the model answers one after the other."""
        answers = self.ask(verb(batch))
        self.learn_ids()
        assert list(answers) == [says(each) for each in batch]

    def ask(self, question: Coroutine[object, object, _Answer]) -> _Answer:
        self.is_used = True
        return self.run(question)

    def run(self, question: Coroutine[object, object, _Answer]) -> _Answer:
        return self._loop.run_until_complete(question)

    def followed(self, ends: Sequence[_End]) -> Sequence[_End]:
        """The ends, their follow-ups with names."""
        return [
            replace(
                end,
                follow_ups=[replace(after, job=self.named(after.job)) for after in end.follow_ups],
            )
            for end in ends
        ]

    def named(self, new: NewJob) -> NewJob:
        self._names += 1
        return replace(new, params=encode({"name": self._names}))

    def learn_ids(self) -> None:
        """The model knows the ids of what was stored just now; they are higher than any before."""
        newest = max(self.model.ids.values(), default=0)
        found = self.run(self.engine.list(JobFilter(), limit=MANY))
        self.model.ids |= {job.params: job.id for job in found if job.id > newest}

    def moved(self, jobs: Sequence[Record]) -> list[Record]:
        """Those that are no longer as the model still says."""
        found = self.run(self.engine.get([job.id for job in jobs]))
        return [job for job, now in zip(jobs, found, strict=True) if not _stands(job, now)]


def _stands(record: Record, job: Job | None) -> bool:
    return job is not None and (job.state, job.fence) == (record.state, record.fence)
