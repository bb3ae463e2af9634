"""http commands: one request to a URL, and what its answer means for the job."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from penstock.clock import Clock, SystemClock
from penstock.commands.answer import Answer
from penstock.commands.fields import Fields
from penstock.commands.guard import Guard, Resolver
from penstock.commands.placeholder import PLACEHOLDER, fill, fill_url
from penstock.commands.request import TIMEOUT, HttpParams, parse_params
from penstock.commands.sender import Sender
from penstock.commands.waiting import until_cancelled
from penstock.errors import Bury, CallerError, JobFailed
from penstock.handler import Context
from penstock.job import JobId
from penstock.serialization import JSON, JSONObject, encode
from penstock.settings import HttpSettings

MARGIN = timedelta(seconds=2)  # our own deadline comes first, as it says more

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NOT_FILLED = frozenset({"url", "headers"})


class HttpCommand:
    """Runs http commands: `{url, method, timeout, params, headers, json, body, follow_redirects}`.

    2xx is success; 408, 425, 429, 5xx and no answer are tried again, other answers are final. The
    result is `{"status", "headers", "body", "truncated"}`.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        version: str,
        resolver: Resolver | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._guard = Guard(settings.allow_private, resolver)
        self._sender = Sender(self._guard)
        self._agent = f"penstock/{version}"
        self.clock = clock or SystemClock()

    def check(self, params: JSONObject) -> None:
        """BadJob with every wrong field named; NotAllowed for a target in a private network."""
        target = parse_params(params).request.target
        self._guard.check(target.host, target.port)

    def timeout(self, params: JSONObject) -> timedelta | None:
        """The command's own timeout, and a little for ending in order."""
        return Fields(params).seconds("timeout", TIMEOUT) + MARGIN

    def fill(self, params: JSONObject, id: JobId) -> JSONObject:
        """The params with the id in the url's path and query and in all other values but headers."""
        if PLACEHOLDER not in encode(
            params
        ):  # to walk through a large value costs far more than to write it
            return params
        filled = {
            name: value if name in _NOT_FILLED else fill(value, id)
            for name, value in params.items()
        }
        url = params.get("url")
        return {**filled, "url": fill_url(url, id)} if isinstance(url, str) else filled

    async def run(self, context: Context) -> JSON:
        """The answer, where it is a success; Bury or JobFailed with the answer as its result."""
        asked = parse_params(self.fill(context.params, context.job.id))
        answer = await self.deliver(asked, context)
        if answer.succeeded:
            return answer.result()
        message = f"{asked.request.target.origin} answered {answer.says}"
        if not answer.passing:
            raise Bury(message, result=answer.result())
        after = answer.retry_after(self.clock.now())
        raise JobFailed(message, after=after, result=answer.result())

    async def deliver(self, asked: HttpParams, context: Context) -> Answer:
        """What the target answered within the timeout; JobFailed where it did not, Bury where it may not be asked."""
        request = replace(asked.request, about=self._about(context))
        seconds = (asked.timeout or context.job.details.timeout or TIMEOUT).total_seconds()
        send = self._sender.follow if asked.follow_redirects else self._sender.send
        try:
            async with asyncio.timeout(seconds):
                return await until_cancelled(send(request), context.cancelled)
        except TimeoutError as error:
            message = f"{request.target.origin} did not answer within {seconds:g} s"
            raise JobFailed(message) from error
        except CallerError as error:
            raise Bury(str(error)) from error

    async def close(self) -> None:
        """No connection is open any more."""
        await self._sender.close()

    def _about(self, context: Context) -> Mapping[str, str]:
        """What every target is told of us and of the job."""
        trace = context.job.details.trace or ""
        return {
            "User-Agent": self._agent,
            "Job-Id": str(context.job.id),
            "Job-Attempt": str(context.attempt),
            "Job-Type": context.job.type,
            "Idempotency-Key": context.idempotency_key,
            **({"traceparent": trace} if _TRACE.fullmatch(trace) else {}),
        }
