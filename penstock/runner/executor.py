"""Runs one job's handler and tells what happened."""

import asyncio
from datetime import timedelta

from penstock.errors import Bury, CallerError, Cancel, JobFailed
from penstock.group import QueueGroup
from penstock.handler import Context, Handler
from penstock.job import params_of
from penstock.policy import MAX_RESULT, Failed, GaveUp, Happened, Returned
from penstock.serialization import JSON, check, encode

MAX_ERROR = 8 * 1024


class Executor:
    """Runs handlers of a registry."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group

    async def attempt(self, context: Context) -> Happened:
        """Run the job's handler to its end or its timeout. Whoever cancels this knows why."""
        try:
            context.params = params_of(context.job)
            handler = self._group.registry.handler(context.job.type)
            handler.check(context.params)
        except (ValueError, CallerError) as error:
            return Failed(error=f"cannot run: {error}"[:MAX_ERROR], permanent=True)
        return await self._run(handler, context)

    async def _run(self, handler: Handler, context: Context) -> Happened:
        limit = self._limit(handler, context)
        deadline = asyncio.timeout(limit.total_seconds())
        try:
            async with deadline:
                return _returned(await handler.run(context))
        except Cancel as error:
            return GaveUp(error=_text(error))
        except JobFailed as error:
            return Failed(
                error=_text(error),
                permanent=isinstance(error, Bury),
                after=error.after,
                result=_kept(error.result),
            )
        except CallerError as error:
            return Failed(error=_text(error), permanent=True)
        except (Exception, SystemExit) as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                context.cancelled.set()  # a thread that looks can stop
                return Failed(error=f"timed out after {limit.total_seconds():g} s")
            context.log.warning("failed", exc_info=error)
            return Failed(error=f"{type(error).__name__}: {error}"[:MAX_ERROR])

    def _limit(self, handler: Handler, context: Context) -> timedelta:
        own = context.job.details.timeout or handler.timeout(context.params)
        return own or self._group.policies.of(context.job.type).timeout


def _returned(result: JSON) -> Happened:
    if result is False:
        return Failed(error="the handler returned False")
    return Returned(result=_kept(result))


def _kept(result: object) -> str | None:
    """The result as it is stored: what is no JSON, or too long, as the beginning of its text."""
    if result is None:
        return None
    try:
        check(result, field="result")
    except CallerError as error:
        return encode({"truncated": True, "text": repr(result)[:MAX_ERROR], "reason": str(error)})
    text = encode(result)
    if len(text.encode()) <= MAX_RESULT:
        return text
    return encode({"truncated": True, "text": text[: MAX_RESULT // 4], "length": len(text)})


def _text(error: BaseException) -> str:
    return str(error)[:MAX_ERROR]
