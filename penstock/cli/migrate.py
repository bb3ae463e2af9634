"""`penstock migrate`: every store at this version's schema."""

from pathlib import Path

import click

from penstock.app import Penstock
from penstock.cli import options


@click.command("migrate", epilog="Example: penstock migrate --config /etc/penstock.toml")
@options.config
@options.data
def command(config: Path | None, data: Path | None) -> None:
    """Bring every store to this version's schema. Twice is fine; a newer schema is refused."""
    options.run(_migrate(options.application(config, data=data)))


async def _migrate(penstock: Penstock) -> None:
    async with penstock:
        for name, store in penstock.group.stores.items():
            identity = store.engine.identity
            click.echo(
                f"{name}: store {identity.number}, uuid {identity.uuid}, at the present schema"
            )
