"""`penstock show-jobs`: the classic's showJobs.php, how many jobs there are and which."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

import click
import msgspec

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.console import complain, printable
from penstock.inspection import MAX_PAGE, Inspection, JobWish, QueueView
from penstock.job import WAITING, Counts, Job, State, describe, params_of
from penstock.runner.lines import describe_run

UNFINISHED = frozenset({State.SCHEDULED, State.READY, State.CLAIMED, State.DEAD})
FEW = 100

# The classic's words mean one of our states each.
STATUSES: Mapping[str, State] = {
    **{state.value: state for state in State},
    "unclaimed": State.READY,
    "delayed": State.SCHEDULED,
    "abandoned": State.DEAD,
}


@click.command("show-jobs", epilog="Example: penstock show-jobs --list --type http --status dead")
@options.config
@options.app
@options.data
@click.option("--group", "shape", flag_value="group", help="Count by queue.")
@click.option("--list", "shape", flag_value="list", help="Show the jobs, the newest first.")
@options.only_types
@options.only_domains
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(list(STATUSES)),
    metavar="STATUS",
    help=f"Only these: {', '.join(STATUSES)}; may be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help=f"List so many; {FEW} unless given.",
)
@options.as_json
def command(
    config: Path | None,
    app: str | None,
    data: Path | None,
    shape: str | None,
    types: Sequence[str],
    domains: Sequence[str],
    statuses: Sequence[str],
    limit: int | None,
    as_json: bool,
) -> None:
    """Print how many jobs wait: those that are ready, and those whose time has not come.

    With --group, a line for each queue that is paused or not empty, in the classic's words: queued is ready, active is
    claimed, abandoned is dead, delayed is scheduled. With --list, a line for each job; finished jobs
    are listed where --status asks for them.
    """
    if limit is not None and shape != "list":
        raise click.UsageError("--limit belongs to --list", click.get_current_context())
    penstock = options.application(config, app=app, data=data)
    states = frozenset(STATUSES[status] for status in statuses)
    if shape == "list":
        wishes = _wishes(types, domains, states or UNFINISHED)
        jobs = options.run(_list(penstock, wishes, limit or FEW))
        _print(_jobs_json(jobs) if as_json else _job_lines(jobs))
        return
    views = [
        view
        for view in options.run(_queues(penstock))
        if (not types or view.queue.type in types) and (not domains or view.queue.domain in domains)
    ]
    if shape == "group":
        views = [view for view in views if _has_any(view, states)]
        _print(_queues_json(views) if as_json else _queue_lines(views))
        return
    count = sum(_count(view.counts, states or WAITING) for view in views)
    _print([_json({"count": count}) if as_json else str(count)])


async def _queues(penstock: Penstock) -> Sequence[QueueView]:
    async with penstock:
        return await penstock.inspection.queues()


def _wishes(
    types: Sequence[str], domains: Sequence[str], states: Collection[State]
) -> Sequence[JobWish]:
    any_type: Sequence[str | None] = types or (None,)
    any_domain: Sequence[str | None] = domains or (None,)
    return [
        JobWish(type=type, domain=domain, state=state)
        for type, domain, state in product(any_type, any_domain, sorted(states))
    ]


async def _list(penstock: Penstock, wishes: Sequence[JobWish], limit: int) -> Sequence[Job]:
    """The newest jobs that any of the wishes means; says where there are more."""
    async with penstock:
        found = {
            job.id: job
            for wish in wishes
            for job in await _newest(penstock.inspection, wish, limit + 1)
        }
    jobs = sorted(found.values(), key=lambda job: (job.pushed_at, job.id), reverse=True)
    if len(jobs) > limit:
        complain(f"penstock show-jobs: these are the newest {limit}; --limit shows more")
    return jobs[:limit]


async def _newest(inspection: Inspection, wish: JobWish, limit: int) -> Sequence[Job]:
    jobs: list[Job] = []
    after: str | None = None
    while True:
        left = limit - len(jobs)
        page = await inspection.jobs(wish, limit=min(left, MAX_PAGE), after=after)
        jobs += page.jobs
        after = page.next
        if after is None or len(jobs) >= limit:
            return jobs


def _count(counts: Counts, states: Collection[State]) -> int:
    by_state: Mapping[State, int] = {state: getattr(counts, state) for state in states}
    return sum(by_state.values())


def _has_any(view: QueueView, states: Collection[State]) -> bool:
    return (view.paused and not states) or _count(view.counts, states or UNFINISHED) > 0


def _queue_lines(views: Sequence[QueueView]) -> Iterable[str]:
    for view in views:
        counts, queue = view.counts, view.queue
        name = queue.type if queue.domain == "default" else str(queue)
        yield (
            f"{name}: {counts.ready} queued; {counts.claimed + counts.dead} claimed "
            f"({counts.claimed} active, {counts.dead} abandoned); {counts.scheduled} delayed"
            f"{'; paused' if view.paused else ''}"
        )


def _queues_json(views: Sequence[QueueView]) -> Iterable[str]:
    shown = [
        {
            "domain": view.queue.domain,
            "type": view.queue.type,
            "store": view.store,
            "paused": view.paused,
            "counts": {state.value: getattr(view.counts, state) for state in State},
        }
        for view in views
    ]
    yield _json({"queues": shown})


def _job_lines(jobs: Sequence[Job]) -> Iterable[str]:
    for job in jobs:
        try:
            params = params_of(job)
        except ValueError:
            params = {}
        domain = "" if job.domain == "default" else f" domain={job.domain}"
        error = "" if job.error is None else f" error={printable(job.error)}"
        yield f"{describe_run(job, params, metadata=True)}{domain} status={job.state}{error}"


def _jobs_json(jobs: Sequence[Job]) -> Iterable[str]:
    yield _json({"jobs": [describe(job) for job in jobs]})


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
