"""`penstock cancel`: jobs that shall not run, or not go on."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from penstock.cli import options
from penstock.cli.moves import move_each
from penstock.inspection import Inspection
from penstock.job import Job, JobId, State


@click.command("cancel", epilog="Example: penstock cancel 7 8 9")
@options.config
@options.app
@options.data
@options.job_ids
def command(config: Path | None, app: str | None, data: Path | None, ids: Sequence[JobId]) -> None:
    """Cancel the jobs with these IDs: a waiting job ends at once, a running one is asked to stop.

    Its callbacks tell that it failed. The exit code is 1 if any job could not be cancelled; the others are.
    """
    penstock = options.application(config, app=app, data=data)
    sys.exit(options.run(move_each(penstock, "cancel", ids, Inspection.cancel, _told)))


def _told(job: Job) -> str:
    if job.state is State.CANCELLED:
        return "is cancelled"
    return f"is asked to stop; it runs at {job.worker}"
