"""`penstock run-jobs`: the classic's runJobs.php."""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import click
import msgspec

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.console import complain, say
from penstock.cli.exits import FAILED, OK, exit_code_of
from penstock.queue import seconds
from penstock.runner.runjobs import Limits, Reached, Run


@click.command("run-jobs", epilog="Example: penstock run-jobs --type http --maxjobs 100")
@options.config
@options.app
@options.data
@options.profile
@options.types
@options.domains
@click.option("--maxjobs", type=click.IntRange(1), help="End after so many jobs.")
@click.option("--maxtime", type=float, help="End after so many seconds, between jobs.")
@click.option("--wait", is_flag=True, help="Wait for more jobs where none are ready.")
@click.option("--no-metadata", is_flag=True, help="Leave (id=…,timestamp=…) out of the lines.")
@click.option("--result", type=click.Choice(["json"]), help="Print one JSON object, no lines.")
def command(
    config: Path | None,
    app: str | None,
    data: Path | None,
    profile: str,
    types: Sequence[str],
    domains: Sequence[str],
    maxjobs: int | None,
    maxtime: float | None,
    wait: bool,
    no_metadata: bool,
    result: str | None,
) -> None:
    """Run the jobs that are there, one after another, then end. The exit code is 1 if a job failed.

    Standard output has these lines alone; what handlers print and log goes to standard error. SIGTERM ends the run; a
    job that runs then is given back at once.
    """
    options.log_to_stderr()
    penstock = options.application(config, app=app, data=data, profile=profile)
    limits = Limits(
        types=types or None,
        domains=domains or None,
        maxjobs=maxjobs,
        maxtime=None if maxtime is None else seconds(maxtime),
        wait=wait,
    )
    told = _silent if result else partial(say, out=sys.stdout)
    with redirect_stdout(sys.stderr):
        run = options.run(_run(penstock, limits, told, metadata=not no_metadata))
    _report(run, as_json=result == "json")
    sys.exit(_exit_code(run))


async def _run(
    penstock: Penstock, limits: Limits, say: Callable[[str], None], *, metadata: bool
) -> Run:
    async with penstock:
        await penstock.make_ready()
        runjobs = penstock.run_jobs(limits, say, metadata=metadata)
        options.on_signals(runjobs.stop)
        return await runjobs.run()


def _report(run: Run, *, as_json: bool) -> None:
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(_shown(run))).decode())
    elif not run.jobs and run.reached in {Reached.NONE_READY, Reached.NONE_POSSIBLE}:
        say("Job queue is empty.")
    if run.error is not None:
        complain(f"penstock: {run.error}")


def _exit_code(run: Run) -> int:
    if run.error is not None:
        return exit_code_of(run.error)
    return FAILED if run.failed else OK


def _shown(run: Run) -> dict[str, object]:
    """The classic's response: one entry a job, why the run ended, and the sum of the jobs' times."""
    jobs = [
        {
            "type": job.type,
            "status": "ok" if job.error is None else "failed",
            "error": job.error,
            "time": job.milliseconds,
        }
        for job in run.jobs
    ]
    elapsed = sum(job.milliseconds for job in run.jobs)
    return {"jobs": jobs, "reached": run.reached, "backoffs": [], "elapsed": elapsed}


def _silent(line: str) -> None:
    """Say nothing."""
