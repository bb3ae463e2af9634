"""Callbacks: tell somebody, durably, how a job has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from penstock.commands.fields import Fields
from penstock.commands.http import HttpCommand
from penstock.commands.placeholder import Fillable
from penstock.commands.request import HttpParams, parse_event_params, parse_params
from penstock.commands.signature import Signer
from penstock.errors import BadJob, Bury, JobFailed
from penstock.handler import Context, Handler, Registry
from penstock.job import CALLBACK_TYPE, JobId, timestamp
from penstock.serialization import JSON, JSONObject, encode
from penstock.settings import CallbackSettings

EVENTS = ("job.done", "job.dead", "job.cancelled")
GONE = 410
_OBEYED = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackParams:
    """What a callback job carries: the command, and with an event the job it tells of."""

    job_id: JobId
    type: str
    params: JSONObject
    event: str | None
    job: JSONObject


class CallbackCommand:
    """Runs jobs of type `callback`: `{job_id, command: {type, params}, event, job}`.

    Without an event the command is sent as it stands. With one, the job is posted to the command's
    URL, signed with the secrets of `[callbacks]`. To both, 2xx is success and 410 ends it; all else
    is tried again, at the time that a 429 or 503 asks for. Other commands end as their handler says.
    """

    def __init__(self, http: HttpCommand, registry: Registry, settings: CallbackSettings) -> None:
        self._http = http
        self._registry = registry
        self._signer = Signer(settings.secrets)

    def check(self, params: JSONObject) -> None:
        """BadJob or NotAllowed where the callback cannot be sent."""
        asked = _params(params)
        handler = self._handler(asked)
        try:
            if asked.event is not None:
                parse_event_params(asked.params)
            handler.check(asked.params)
        except BadJob as error:
            raise error.below("command.params") from error

    def timeout(self, params: JSONObject) -> timedelta | None:
        """The timeout of its command."""
        asked = _params(params)
        return self._handler(asked).timeout(asked.params)

    async def run(self, context: Context) -> JSON:
        """What its command brought back."""
        asked = _params(context.params)
        if asked.event is not None:
            return await self._tell(asked, asked.event, context)
        if asked.type == "http":
            filled = self._http.fill(asked.params, asked.job_id)
            return await self._send(parse_params(filled), "its callback", context)
        return await self._run_as_it_stands(asked, context)

    def _handler(self, asked: CallbackParams) -> Handler:
        if asked.event is not None:
            return self._http
        try:
            return self._registry.handler(asked.type)
        except BadJob as error:
            raise error.below("command") from error

    async def _run_as_it_stands(self, asked: CallbackParams, context: Context) -> JSON:
        handler = self._handler(asked)
        params = asked.params
        if isinstance(handler, Fillable):
            params = handler.fill(params, asked.job_id)
        return await handler.run(replace(context, params=params))

    async def _tell(self, asked: CallbackParams, event: str, context: Context) -> JSON:
        to = parse_event_params(self._http.fill(asked.params, asked.job_id))
        body = encode(_event(asked, event, context)).encode()
        headers = {**to.request.headers, **self._signed(context.idempotency_key, body)}
        request = replace(to.request, headers=headers, body=body)
        return await self._send(replace(to, request=request), event, context)

    async def _send(self, asked: HttpParams, what: str, context: Context) -> JSON:
        """The answer, where it is a success; only 410 makes us give a callback up before its last try."""
        answer = await self._http.deliver(asked, context)
        if answer.succeeded:
            return answer.result()
        message = f"{asked.request.target.origin} answered {answer.says} to {what}"
        if answer.status == GONE:
            raise Bury(message, result=answer.result())
        after = answer.retry_after(self._http.clock.now()) if answer.status in _OBEYED else None
        raise JobFailed(message, after=after, result=answer.result())

    def _signed(self, id: str, body: bytes) -> Mapping[str, str]:
        """The headers by which the receiver knows the event, its age and us."""
        now = int(self._http.clock.now().timestamp())
        signature = self._signer.sign(id, now, body)
        return {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(now),
            **({} if signature is None else {"webhook-signature": signature}),
        }


def _params(params: JSONObject) -> CallbackParams:
    fields = Fields(params)
    job_id, event, job = fields.value("job_id"), fields.value("event"), fields.value("job")
    command = Fields(fields.object("command"))
    type, inner = command.text("type"), command.object("params")
    if isinstance(job_id, bool) or not isinstance(job_id, int):
        fields.wrong("job_id", "is no id; write the number of the job that it tells of")
        job_id = 0
    if event not in (None, *EVENTS):
        fields.wrong("event", f"is unknown; write null or one of {', '.join(EVENTS)}")
    elif event is not None and not isinstance(job, Mapping):
        fields.wrong("job", "is missing; an event tells of one")
    _check_type(fields, type, event)
    fields.done()
    _done(command)
    return CallbackParams(
        job_id=JobId(job_id),
        type=type,
        params=inner,
        event=event if isinstance(event, str) else None,
        job=job if isinstance(job, Mapping) else {},
    )


def _check_type(fields: Fields, type: str, event: JSON) -> None:
    if not type or type == CALLBACK_TYPE:
        fields.wrong("command.type", "names no type; write http, exec or a registered one")
    elif event is not None and type != "http":
        fields.wrong(
            "command.type",
            f"{type[:100]!a}: callbacks under `callbacks` are URLs; use callback_done for commands",
        )


def _done(command: Fields) -> None:
    try:
        command.done()
    except BadJob as error:
        raise error.below("command") from error


def _event(asked: CallbackParams, event: str, context: Context) -> JSONObject:
    # The job ended in the commit that pushed its callback: one time serves both.
    ended_at = timestamp(context.job.pushed_at)
    # The whole shape of a job: one parser reads it from here and from the API. It ended before it had callbacks.
    data = {**asked.job, "finished_at": ended_at, "callbacks": [], "deduplicated": False}
    return {"type": event, "timestamp": ended_at, "data": data}
