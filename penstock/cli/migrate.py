"""`penstock migrate`: every store at this version's schema, or what it lacks."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from penstock.app import Penstock, naming
from penstock.cli import options
from penstock.cli.console import complain, say
from penstock.cli.exits import FAILED, OK, exit_code_of
from penstock.engine import Engine
from penstock.errors import PenstockError
from penstock.schema import Migrating


@click.command("migrate", epilog="Example: penstock migrate --config /etc/penstock.toml")
@options.config
@options.data
@click.option("--check", is_flag=True, help="Change nothing; say what is pending.")
def command(config: Path | None, data: Path | None, check: bool) -> None:
    """Bring every store to this version's schema, and say what was applied. Twice is fine.

    Processes of the release before may go on working meanwhile. A store that needs a newer release is refused.

    With --check nothing is changed: the exit code is 1 if anything is pending, else 0.
    """
    if check and data is not None and not data.is_dir():
        raise click.UsageError(f"--data {data}: is not there", click.get_current_context())
    penstock = options.application(config, data=data)
    sys.exit(options.run(_check(penstock) if check else _migrate(penstock)))


async def _migrate(penstock: Penstock) -> int:
    worst = OK
    for name, engine in _stores(penstock).items():
        try:
            with naming(name):
                await _bring_up(name, engine)
        except PenstockError as error:
            worst = max(worst, _refused(error))
    return worst


async def _bring_up(name: str, engine: Engine) -> None:
    """The store is at the present schema, and known by its number."""
    for applied in await engine.migrate() if isinstance(engine, Migrating) else ():
        say(f"{name}: applied {applied}")
    try:
        await engine.open()
        identity = engine.identity
        say(f"{name}: store {identity.number}, uuid {identity.uuid}, at the present schema")
    finally:
        await engine.close()


async def _check(penstock: Penstock) -> int:
    worst = OK
    for name, engine in _stores(penstock).items():
        try:
            with naming(name):
                pending = await engine.pending() if isinstance(engine, Migrating) else ()
        except PenstockError as error:
            worst = max(worst, _refused(error))
            continue
        for line in _told(name, pending):
            say(line)
        worst = max(worst, FAILED if pending else OK)
    return worst


def _stores(penstock: Penstock) -> Mapping[str, Engine]:
    """The engines of the stores that hold jobs themselves."""
    settings = penstock.settings.stores
    engines = penstock.build_engines().items()
    return {name: engine for name, engine in engines if settings[name].partitions is None}


def _told(name: str, pending: Sequence[str]) -> Sequence[str]:
    return [f"{name}: pending {one}" for one in pending] or [f"{name}: nothing is pending"]


def _refused(error: PenstockError) -> int:
    """The exit code, once the error is said; the other stores go on."""
    complain(f"penstock: {error}")
    return exit_code_of(error)
