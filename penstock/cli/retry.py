"""`penstock retry`: dead jobs that shall run again."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from penstock.cli import options
from penstock.cli.moves import move_each
from penstock.inspection import Inspection
from penstock.job import Job, JobId


@click.command("retry", epilog="Example: penstock retry 7 8 9")
@options.config
@options.app
@options.data
@options.job_ids
def command(config: Path | None, app: str | None, data: Path | None, ids: Sequence[JobId]) -> None:
    """Let the dead jobs with these IDs run again, with all their attempts before them.

    The exit code is 1 if any of the jobs is not dead; the others are ready.
    """
    penstock = options.application(config, app=app, data=data)
    sys.exit(options.run(move_each(penstock, "retry", ids, Inspection.requeue, _told)))


def _told(job: Job) -> str:
    return f"is {job.state}"
