"""`penstock resume`: jobs of a paused type begin again."""

from collections.abc import Sequence
from pathlib import Path

import click

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.gates import queues_meant, tell


@click.command("resume", epilog="Example: penstock resume thumbnail_render --domain wiki1")
@options.config
@options.app
@options.data
@options.type_name
@options.only_domains
def command(
    config: Path | None, app: str | None, data: Path | None, type: str, domains: Sequence[str]
) -> None:
    """Let jobs of TYPE begin again, after a pause.

    Without --domain all domains that have used the type are meant, and `default`.
    """
    options.run(_resume(options.application(config, app=app, data=data), type, domains))


async def _resume(penstock: Penstock, type: str, domains: Sequence[str]) -> None:
    async with penstock:
        keys = await queues_meant(penstock.inspection, type, domains)
        tell(penstock, "resume", await penstock.inspection.resume(keys))
