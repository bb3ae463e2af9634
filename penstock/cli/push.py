"""`penstock push`: one job, or many alike."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.console import say
from penstock.engine import Pushed
from penstock.errors import BadJob, CallerError, UnknownType
from penstock.queue import JobSpec, seconds
from penstock.serialization import JSON, JSONObject, parse

BATCH = 1000


@click.command(
    "push", epilog="Example: penstock push http --param url=https://example.com/ --delay 5"
)
@options.config
@options.app
@options.data
@options.profile
@options.type_name
@click.option(
    "--param", "params", multiple=True, metavar="K=V", help="A param; V is JSON, or else text."
)
@click.option("--params", "whole", metavar="JSON", help="All params as one JSON object.")
@click.option("--domain", default="default", show_default=True, help="The tenant whose job it is.")
@click.option("--context", default="default", show_default=True, help="A label, to find it by.")
@click.option("--delay", type=float, help="Run it so many seconds from now.")
@click.option("--priority", type=int, help="0 to 1000, higher first.")
@click.option("--dedupe", is_flag=True, help="Store nothing if an equal job waits already.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="So many jobs, all alike."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document: an object, or a list with --count.",
)
def command(
    config: Path | None,
    app: str | None,
    data: Path | None,
    profile: str,
    type: str,
    params: Sequence[str],
    whole: str | None,
    domain: str,
    context: str,
    delay: float | None,
    priority: int | None,
    dedupe: bool,
    count: int,
    as_json: bool,
) -> None:
    """Push a job of TYPE and print its id."""
    spec = JobSpec(
        type,
        _params(params, whole),
        domain=domain,
        context=context,
        priority=priority,
        delay=None if delay is None else seconds(delay),
        dedupe=dedupe or None,
    )
    penstock = options.application(config, app=app, data=data, profile=profile)
    pushed = options.run(_push(penstock, spec, count))
    if as_json:
        shown = [_shown(answer) for answer in pushed]
        say(msgspec.json.encode(shown if count > 1 else shown[0]).decode())
        return
    for answer in pushed:
        say(str(answer.id))


async def _push(penstock: Penstock, spec: JobSpec, count: int) -> Sequence[Pushed]:
    async with penstock:
        try:
            new = penstock.group.admit(spec)
        except UnknownType as error:
            raise CallerError(f"{error}. For handlers of your own, name them with --app") from error
        answers: list[Pushed] = []
        for start in range(0, count, BATCH):
            answers += await penstock.group.store([new] * min(BATCH, count - start))
        return answers


def _shown(pushed: Pushed) -> JSONObject:
    return {"id": pushed.id, "deduplicated": pushed.deduplicated}


def _params(pairs: Sequence[str], whole: str | None) -> JSONObject:
    value: JSON = {} if whole is None else parse(whole.encode(), field="--params")
    if not isinstance(value, dict):
        raise BadJob.field("--params", 'is no JSON object; write \'{"name": "value"}\'')
    params = dict(value)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise BadJob.field("--param", f"{pair!a} has no name; write --param name=value")
        params[name] = _value(text)
    return params


def _value(text: str) -> JSON:
    try:
        return parse(text.encode(), field="--param")
    except BadJob:
        return text
