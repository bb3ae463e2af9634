"""The `penstock` command: finds the verb, turns errors into one line and an exit code."""

import importlib
import sys
from collections.abc import Mapping
from importlib.metadata import version

import click

from penstock.cli.exits import exit_code_of
from penstock.errors import PenstockError

# Verb -> (module, what it is for): a verb's module is imported only when it is used.
VERBS: Mapping[str, tuple[str, str]] = {
    "bench": ("penstock.cli.bench", "Measure a store on this machine."),
    "migrate": ("penstock.cli.migrate", "Bring every store to this version's schema."),
    "push": ("penstock.cli.push", "Push a job."),
    "run-jobs": ("penstock.cli.run_jobs", "Run the jobs that are there, then end."),
    "serve": ("penstock.cli.serve", "Start the HTTP server, with a runner in the same process."),
    "worker": ("penstock.cli.worker", "Run jobs until stopped."),
}

HELP = """Penstock, a job queue.

Start here: `penstock serve`, then POST a job to http://127.0.0.1:1337/jobs/add. Every verb has --help with an example.

Exit codes: 0 all is well; 1 jobs failed or the request was refused; 2 wrong usage; 75 the store cannot be
reached now, try again later; 78 the configuration is wrong.
"""


class Verbs(click.Group):
    """The verbs, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of this name."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in sorted(VERBS.items())])


@click.command(cls=Verbs, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("penstock"), prog_name="penstock")
def verbs() -> None:
    """Choose the verb."""


def main() -> None:
    """Run the command line; errors are one line on standard error."""
    try:
        verbs(prog_name="penstock")
    except PenstockError as error:
        click.echo(f"penstock: {error}", err=True)
        sys.exit(exit_code_of(error))
