"""`penstock run-job`: the classic's work.php, one job with its output on the console."""

import sys
from datetime import timedelta
from pathlib import Path

import click

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.console import printable, say
from penstock.cli.exits import FAILED, OK
from penstock.cli.live import Live
from penstock.errors import CallerError, UnknownType
from penstock.job import JobId, Move, State
from penstock.runner.runjob import Ended


@click.command("run-job", epilog="Example: penstock run-job 7 --app jobs:handlers")
@options.config
@options.app
@options.data
@options.profile
@options.job_id
def command(
    config: Path | None, app: str | None, data: Path | None, profile: str, id: JobId
) -> None:
    """Run the job with this ID in this process, now, and see what it does.

    The job must be scheduled or ready; it runs also if its time has not come or its queue is paused. Standard
    output has what it prints and what its program writes, as it comes, then one line that says what became of it;
    log lines and progress go to standard error. It ends as a runner would end it: with its callbacks, or
    to be tried again.

    SIGINT or SIGTERM gives the job back, if it may run twice. The exit code is 0 if the job is done, else 1.
    """
    options.log_to_stderr()
    penstock = options.application(config, app=app, data=data, profile=profile)
    with Live() as live:
        ended = options.run(_run(penstock, id, live))
    if (result := result_of(ended)) and not live.wrote_any:
        say(result)
    say(report(ended))
    sys.exit(OK if ended.outcome is not None and ended.outcome.move is Move.ACK else FAILED)


async def _run(penstock: Penstock, id: JobId, live: Live) -> Ended:
    async with penstock:
        runjob = penstock.run_job(live)
        options.on_signals(runjob.stop)
        try:
            return await runjob.run(id)
        except UnknownType as error:
            told = f"job {id}: {error.errors[0].detail}; name your handlers with --app"
            raise CallerError(told) from error


def result_of(ended: Ended) -> str | None:
    """The result as a line of JSON; None where there is none."""
    if ended.outcome is None or ended.outcome.result is None:
        return None
    return printable(ended.outcome.result)


def report(ended: Ended) -> str:
    """What became of the job, in a line."""
    return printable(f"job {ended.claimed.id} {_became(ended)}")


def _became(ended: Ended) -> str:
    job, outcome, took = ended.claimed, ended.outcome, f"after {_seconds(ended.took)}"
    if outcome is None:
        return f"was lost {took}: its claim ran out, and whoever has it now says what becomes of it"
    if ended.now is not None and ended.now.state is State.CANCELLED:
        return f"is cancelled {took}: {ended.now.error or 'it was asked to stop'}"
    match outcome.move:
        case Move.ACK:
            return f"is done {took}"
        case Move.RETRY:
            tries = f"attempt {job.attempt} of {job.max_attempts}"
            return f"failed {took}: {outcome.error}; {tries}, the next in {_seconds(outcome.after)}"
        case Move.RELEASE:
            return f"was given back {took}: it waits again, and its attempt does not count"
        case Move.BURY:
            return f"is dead {took}: {outcome.error}; `penstock retry {job.id}` lets it run again"
    return f"is cancelled {took}: {outcome.error}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.3g} s"
