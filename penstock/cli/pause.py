"""`penstock pause`: no jobs of a type begin, until it is resumed."""

from collections.abc import Sequence
from pathlib import Path

import click

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.gates import queues_meant, tell


@click.command("pause", epilog="Example: penstock pause thumbnail_render --domain wiki1")
@options.config
@options.app
@options.data
@options.type_name
@options.only_domains
def command(
    config: Path | None, app: str | None, data: Path | None, type: str, domains: Sequence[str]
) -> None:
    """Let no jobs of TYPE begin, in no process, until it is resumed.

    Jobs can be pushed all the while, those that run now go on, and `penstock run-job` runs one all the same. A pause
    outlives restarts. Without --domain all domains that have used the type are meant, and `default`.
    """
    options.run(_pause(options.application(config, app=app, data=data), type, domains))


async def _pause(penstock: Penstock, type: str, domains: Sequence[str]) -> None:
    async with penstock:
        keys = await queues_meant(penstock.inspection, type, domains)
        tell(penstock, "pause", await penstock.inspection.pause(keys))
