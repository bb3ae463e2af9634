"""Runs one job's handler and tells what happened, whatever the handler does."""

import asyncio
from datetime import timedelta

from penstock.clock import duration
from penstock.errors import Bury, CallerError, Cancel, JobFailed
from penstock.group import QueueGroup
from penstock.handler import Context, Handler
from penstock.job import params_of
from penstock.policy import MAX_RESULT, Failed, GaveUp, Happened, Returned
from penstock.serialization import JSON, MAX_SAID, said, stored

LAST_WORDS = timedelta(seconds=2.5)  # for a handler that is cancelled; what exec runs takes 2 of it


class Executor:
    """Runs handlers of a registry."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group

    async def attempt(self, context: Context) -> Happened:
        """Run the job's handler to its end or its timeout; no handler's error leaves this.

        Whoever cancels this knows why. A handler that does not end when it is cancelled is left
        behind, as a thread is: the context's `thread` ends when it does.
        """
        try:
            context.params = params_of(context.job)
            handler = self._group.registry.handler(context.job.type)
            handler.check(context.params)
            limit = self._limit(handler, context).total_seconds()
        except (ValueError, CallerError) as error:
            return Failed(error=f"cannot run: {said(error)}", permanent=True)
        except Exception as error:
            context.log.warning("cannot run", exc_info=error)
            return Failed(error=f"cannot run: {named(error)}")
        return await self._run(handler, context, limit)

    async def _run(self, handler: Handler, context: Context, limit: float) -> Happened:
        # A task of its own: a cancel that the handler makes itself is not ours, and one that it
        # swallows must hold up nobody.
        work = asyncio.ensure_future(outcome_of(handler, context))
        try:
            await asyncio.wait({work}, timeout=limit)
        except asyncio.CancelledError:
            await _end(work, context)
            if not _has_ended(work):
                raise
            return work.result()
        if work.done():
            return _told(work)
        context.cancelled.set()  # a thread that looks can stop
        await _end(work, context)
        return work.result() if _has_ended(work) else Failed(error=f"timed out after {limit:g} s")

    def _limit(self, handler: Handler, context: Context) -> timedelta:
        own = context.job.details.timeout or handler.timeout(context.params)
        return own or self._group.policies.of(context.job.type).timeout


async def outcome_of(handler: Handler, context: Context) -> Happened:
    """What the handler came to. Only a cancel leaves this: one of its own, or ours."""
    try:
        return _returned(await handler.run(context))
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - told as the job's failure; nothing a job does ends the runner
        return _failed(error, context)


async def _end(work: asyncio.Task[Happened], context: Context) -> None:
    """The handler is cancelled and has ended, or is left behind."""
    work.cancel()
    try:
        await asyncio.wait({work}, timeout=LAST_WORDS.total_seconds())
    finally:
        if not work.done():
            _leave_behind(work, context)


def _leave_behind(work: asyncio.Task[Happened], context: Context) -> None:
    context.log.warning("the handler goes on although it was cancelled; its slot stays taken")
    over = asyncio.get_running_loop().create_future()
    work.add_done_callback(lambda _: over.set_result(None))
    context.thread = over


def _has_ended(work: asyncio.Task[Happened]) -> bool:
    """Whether the handler came to something."""
    return work.done() and not work.cancelled()


def _told(work: asyncio.Task[Happened]) -> Happened:
    if work.cancelled():
        return Failed(error="CancelledError: the handler was cancelled, but not by its runner")
    return work.result()


def _failed(error: BaseException, context: Context) -> Happened:
    match error:
        case Cancel():
            return GaveUp(error=said(error))
        case JobFailed():
            return _as_asked(error, context)
        case CallerError():
            return Failed(error=said(error), permanent=True)
    if not isinstance(error, GeneratorExit):  # so ends what was left behind, with its loop
        context.log.warning("failed", exc_info=error)
    return Failed(error=named(error))


def _as_asked(error: JobFailed, context: Context) -> Failed:
    after: object = getattr(error, "after", None)
    try:
        wait = None if after is None else duration(after, name="after")
    except (TypeError, ValueError) as wrong:  # an error that keeps it by itself was not checked
        context.log.warning("%s; the backoff of the type is taken", wrong)
        wait = None
    return Failed(
        error=said(error),
        permanent=isinstance(error, Bury),
        after=wait,
        result=stored(getattr(error, "result", None), most=MAX_RESULT),
    )


def _returned(result: JSON) -> Happened:
    if result is False:
        return Failed(error="the handler returned False")
    return Returned(result=stored(result, most=MAX_RESULT))


def named(error: BaseException) -> str:
    """The kind of the error and its words, as a job keeps them."""
    return f"{type(error).__name__}: {said(error)}"[:MAX_SAID]
