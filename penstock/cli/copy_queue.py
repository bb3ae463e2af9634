"""`penstock copy-queue`: what waits in one store, copied or moved to another."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.console import complain, say
from penstock.cli.copied import copied, copied_lines, foreseen, foreseen_lines, notes
from penstock.cli.exits import INTERRUPTED
from penstock.engine import Feature
from penstock.errors import CallerError
from penstock.group import QueueGroup
from penstock.inspection import MAX_BATCH, Copied, Route, Tell, copy, move, route
from penstock.serialization import JSON

BATCH = 100  # jobs; they are read whole, and may be of 1 MiB each


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be copied from where to where, and how."""

    type: str
    source: str
    target: str
    domains: Sequence[str]
    moves: bool
    batch: int
    as_json: bool


@click.command(
    "copy-queue", epilog="Example: penstock copy-queue --type mail --from main --to wide --move"
)
@options.config
@click.option(
    "--type",
    required=True,
    metavar="TYPE",
    shell_complete=options.suggest_types,
    help="Copy the jobs of this type.",
)
@click.option("--from", "source", required=True, metavar="STORE", help="Where they wait.")
@click.option("--to", "target", required=True, metavar="STORE", help="Where they shall wait.")
@options.only_domains
@click.option("--move", "moves", is_flag=True, help="Remove each job once its copy is durable.")
@click.option(
    "--batch",
    type=click.IntRange(1, MAX_BATCH),
    default=BATCH,
    show_default=True,
    help="So many jobs at a time.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be copied.")
@options.as_json
def command(
    config: Path | None,
    type: str,
    source: str,
    target: str,
    domains: Sequence[str],
    moves: bool,
    batch: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Copy the waiting jobs of a type from one store to another, or move them.

    What is claimed or has ended stays where it is. The same command again copies only what is not there yet, for 24
    hours. With --move the queues are paused in the store that they leave, for as long as it takes.
    """
    wish = Wish(
        type=type,
        source=source,
        target=target,
        domains=domains,
        moves=moves,
        batch=batch,
        as_json=as_json,
    )
    act = _foresee if dry_run else _carry
    try:
        options.run(options.until_stopped(act(options.application(config), wish)))
    except asyncio.CancelledError:
        sys.exit(INTERRUPTED)


async def _foresee(penstock: Penstock, wish: Wish) -> None:
    async with penstock:
        found = await _route(penstock.group, wish)
        _print(foreseen(found), foreseen_lines(found, wish.type), as_json=wish.as_json)


async def _carry(penstock: Penstock, wish: Wish) -> None:
    began = time.monotonic()
    async with penstock:
        found = await _route(penstock.group, wish)
        with _progress(found) as tell:
            act = move if wish.moves else copy
            parts = await act(found, batch=wish.batch, tell=tell)
        _print(copied(found, parts), copied_lines(found, parts, wish.type), as_json=wish.as_json)
        _note(penstock.group, wish, parts, time.monotonic() - began)


async def _route(group: QueueGroup, wish: Wish) -> Route:
    for name in (wish.source, wish.target):
        _refuse_private(group, name)
    return await route(group, wish.type, wish.source, wish.target, wish.domains)


def _refuse_private(group: QueueGroup, name: str) -> None:
    """What only one process has is not there in ours, whatever it holds."""
    place = group.places.get(name)
    if place is not None and Feature.SHARED not in place.engine.features:
        raise CallerError(
            f"store {name} lives in the memory of each process that opens it; "
            "what another one holds cannot be copied from it or to it"
        )


def _print(document: JSON, lines: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        say(msgspec.json.encode(document).decode())
        return
    for line in lines:
        say(line)


def _note(group: QueueGroup, wish: Wish, parts: Sequence[Copied], seconds: float) -> None:
    home = group.store_of_type(wish.type).name
    looked_at = sum(one.copied + one.already_there + one.deduplicated for one in parts)
    complain(f"penstock copy-queue: {looked_at} jobs in {seconds:.1f} s")
    for note in notes(parts, type=wish.type, target=wish.target, home=home, moved=wish.moves):
        complain(f"penstock copy-queue: {note}")


@contextmanager
def _progress(found: Route) -> Iterator[Tell]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda more: None
        return
    with click.progressbar(length=found.waiting, label="jobs", file=sys.stderr) as bar:
        yield bar.update
