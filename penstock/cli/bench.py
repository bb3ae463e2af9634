"""`penstock bench`: what one store does on this machine."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from penstock.bench import MEASURES, Bench, Place, Report, Say, Sizes, place_of, temporary
from penstock.bench.document import document
from penstock.bench.sizes import SMALL
from penstock.bench.table import lines
from penstock.cli import options
from penstock.cli.exits import INTERRUPTED
from penstock.errors import SettingsError
from penstock.settings import StoreSettings, nearest


@click.command("bench", epilog="Example: penstock bench --only drain-20 --only pick-up --json")
@options.config
@click.option(
    "--store",
    metavar="URL",
    help="The server or disk to measure, by a URL or the name of a store in the configuration. New stores are made "
    "beside it and removed again. Without: temporary SQLite files; $TMPDIR chooses their disk.",
)
@click.option(
    "--jobs",
    type=click.IntRange(SMALL),
    help="So many waiting jobs instead of 1,000,000, and fewer scheduled and superseded ones likewise.",
)
@click.option("--quick", is_flag=True, help="Small rounds, for a look of about ten seconds.")
@click.option(
    "--only", multiple=True, type=click.Choice(list(MEASURES)), help="Only this; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with raw numbers.")
def command(
    config: Path | None,
    store: str | None,
    jobs: int | None,
    quick: bool,
    only: Sequence[str],
    as_json: bool,
) -> None:
    """Measure what one store does on this machine, beside the same statements on the bare store.

    A run takes some five minutes. The exit code is 1 if a job was lost or done twice.
    """
    sizes = Sizes.quick() if quick else Sizes()
    bench = Bench(
        place=_place(config, store),
        sizes=sizes if jobs is None else sizes.with_large(jobs),
        only=only or tuple(MEASURES),
    )
    options.collect_rarely()  # as every worker does
    try:
        with _progress(len(bench.wanted)) as say:
            report = options.run(options.until_stopped(bench.run(say)))
    except asyncio.CancelledError:
        sys.exit(INTERRUPTED)
    _print(report, as_json=as_json)


def _place(config: Path | None, store: str | None) -> Place:
    if store is None:
        return temporary(Path(tempfile.gettempdir()))
    if ":" in store:
        # What a bench stores may be lost.
        kind = store.partition(":")[0]  # no more of it: a URL may hold a password
        return place_of(StoreSettings(url=store, accept_volatile=True), f"the given {kind} store")
    stores = options.settings_of(config).stores
    if store not in stores:
        raise SettingsError(
            f"--store {store}: no such store is configured; {nearest(store, stores)}"
        )
    if stores[store].partitions is not None:
        raise SettingsError(f"--store {store}: is federated; name one of its partitions")
    return place_of(stores[store], f"store {store}")


@contextmanager
def _progress(measures: int) -> Iterator[Say]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda measure, text: None
        return
    with click.progressbar(length=measures, show_eta=False, file=sys.stderr) as bar:
        begun: set[str] = set()

        def say(measure: str, text: str) -> None:
            if begun and measure not in begun:
                bar.update(1)
            begun.add(measure)
            bar.label = f"{measure} {text}"
            bar.render_progress()

        yield say


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(document(report))).decode())
        return
    for line in lines(report):
        click.echo(line)
