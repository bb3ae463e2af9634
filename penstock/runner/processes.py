"""Processes for handlers that keep a processor busy: the runner's own loop goes on meanwhile."""

import asyncio
import logging
import os
from datetime import timedelta

from penstock.errors import Bury, Cancel, JobFailed
from penstock.handler import Context
from penstock.policy import Failed, GaveUp, Happened, Returned, Stopped
from penstock.runner.messages import Logged, Reported, Task
from penstock.runner.process import Process
from penstock.serialization import JSON, decode

CLOSED = timedelta(seconds=1)  # for all of them to end


class RemoteTraceback(Exception):
    """Where in the other process it happened."""


class Processes:
    """A process for each job that runs, kept for the next; whoever runs jobs bounds how many there are.

    At most `idle` wait for a job, else as many as there are processors.
    """

    def __init__(self, *, idle: int | None = None) -> None:
        self._most_idle = (os.cpu_count() or 1) if idle is None else idle
        self._idle: list[Process] = []
        self._living: set[Process] = set()
        self._closed = False

    async def run(self, place: str, context: Context) -> JSON:
        """The result of the job class at `module:name`; JobFailed as its handler asks, also where its process dies."""
        process = await self._free_one()
        try:
            happened = await process.run(_task(place, context), lambda told: _hear(told, context))
        finally:
            self._put_back(process)
        return _answer(happened)

    async def close(self) -> None:
        """All processes have ended, and with them what runs there."""
        self._closed = True
        living = tuple(self._living)
        for process in living:
            process.kill()
        if living:
            ends = {process.exited for process in living}
            await asyncio.wait(ends, timeout=CLOSED.total_seconds())

    async def _free_one(self) -> Process:
        while self._idle:
            process = self._idle.pop()
            if process.is_free:
                return process
        process = await Process.start()
        self._living.add(process)
        process.exited.add_done_callback(lambda _: self._living.discard(process))
        return process

    def _put_back(self, process: Process) -> None:
        room = len(self._idle) < self._most_idle
        if process.is_free and room and not self._closed:
            self._idle.append(process)
        else:
            process.kill()


def _task(place: str, context: Context) -> Task:
    return Task(
        place=place,
        job=context.job,
        idempotency_key=context.idempotency_key,
        level=logging.getLogger().getEffectiveLevel(),
    )


def _hear(told: Reported | Logged, context: Context) -> None:
    """Progress and log records of the other process are as those of ours."""
    if isinstance(told, Reported):
        context.report(told.percent, told.message)
        return
    logger = logging.getLogger(told.name)
    if not logger.isEnabledFor(told.level):
        return
    error = RemoteTraceback(f"in its process:\n{told.traceback}")
    trace = (RemoteTraceback, error, None) if told.traceback else None
    extra = {"job_id": context.job.id, "job_type": context.job.type} if told.of_job else None
    logger.handle(
        logger.makeRecord(
            told.name, told.level, "(process)", 0, told.message, (), trace, extra=extra
        )
    )


def _answer(happened: Happened) -> JSON:
    """The result, or the failure raised, as the handler itself would have."""
    match happened:
        case Returned(result=result):
            return _value(result)
        case Failed(permanent=True):
            raise Bury(happened.error, result=_value(happened.result))
        case Failed():
            raise JobFailed(happened.error, after=happened.after, result=_value(happened.result))
        case GaveUp(error=error):
            raise Cancel(error)
        case Stopped():
            raise JobFailed("stopped")


def _value(result: str | None) -> JSON:
    return None if result is None else decode(result)
