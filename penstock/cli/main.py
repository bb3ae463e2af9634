"""The `penstock` command: finds the verb, turns errors into one line and an exit code."""

import importlib
import sys
from collections.abc import Mapping

import click
from click.shell_completion import CompletionItem

from penstock.cli.console import complain, open_streams, silence
from penstock.cli.exits import INTERRUPTED, MISUSED, OK, exit_code_of
from penstock.cli.usage import UnknownVerb, explain
from penstock.errors import PenstockError

# Verb -> (module, what it is for), as a stranger needs them: a verb's module is imported only when it is used.
VERBS: Mapping[str, tuple[str, str]] = {
    "serve": ("penstock.cli.serve", "Start the HTTP server, with a runner in the same process."),
    "worker": ("penstock.cli.worker", "Run jobs until stopped."),
    "push": ("penstock.cli.push", "Push a job."),
    "show-jobs": ("penstock.cli.show_jobs", "Count the waiting jobs, or list jobs."),
    "run-jobs": ("penstock.cli.run_jobs", "Run the jobs that are there, then end."),
    "run-job": ("penstock.cli.run_job", "Run one job here, its output on the console."),
    "cancel": ("penstock.cli.cancel", "Cancel jobs, or ask running ones to stop."),
    "retry": ("penstock.cli.retry", "Let dead jobs run again."),
    "pause": ("penstock.cli.pause", "Let no jobs of a type begin."),
    "resume": ("penstock.cli.resume", "Let jobs of a paused type begin again."),
    "copy-queue": ("penstock.cli.copy_queue", "Copy or move waiting jobs to another store."),
    "bench": ("penstock.cli.bench", "Measure a store on this machine."),
    "migrate": ("penstock.cli.migrate", "Bring every store to this version's schema."),
    "doctor": ("penstock.cli.doctor", "Look at every store, and say what should be changed."),
    "completion": ("penstock.cli.completion", "Print what completes commands in your shell."),
}

HELP = """Penstock, a job queue.

Start here: `penstock serve`, then POST a job to http://127.0.0.1:1337/jobs/add. Every verb has --help with an example.

Exit codes: 0 all is well; 1 jobs failed, the request was refused, or a check found something; 2 wrong usage; 75 the
store cannot be reached now, try again later; 78 the configuration is wrong; 130 interrupted.
"""


class Verbs(click.Group):
    """The verbs, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of this name."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that was typed; UnknownVerb, naming the nearest, where there is none."""
        if args[0] not in VERBS and not ctx.resilient_parsing:
            raise UnknownVerb(args[0], VERBS, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, about) for name, (_, about) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin so, without importing them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=about)
            for name, (_, about) in VERBS.items()
            if name.startswith(incomplete)
        ]

    def invoke(self, ctx: click.Context) -> object:
        """Do what was asked; a listing whose reader has gone away has nothing left to do."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            silence()
            return None
        except click.UsageError as error:
            verb = ctx.invoked_subcommand
            if error.ctx is None and verb is not None:  # the parser of options knows no context
                error.ctx = click.Context(click.Command(verb), ctx, verb)
            raise


@click.command(
    cls=Verbs,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB [OPTIONS] [ARGS]...",
    options_metavar="",
    invoke_without_command=True,
    no_args_is_help=False,
)
@click.version_option(package_name="penstock", prog_name="penstock")
@click.pass_context
def verbs(ctx: click.Context) -> None:
    """Choose the verb; without one, show which there are."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line; errors are one line on standard error."""
    open_streams()
    sys.exit(_run())


def _run() -> int:
    try:
        verbs.main(prog_name="penstock", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        complain(explain(error))
        return MISUSED
    except PenstockError as error:
        complain(f"penstock: {error}")
        return exit_code_of(error)
    return OK
