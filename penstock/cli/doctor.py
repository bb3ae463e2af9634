"""`penstock doctor`: what should be changed before it hurts."""

import sys
from pathlib import Path

import click
import msgspec

from penstock.cli import options
from penstock.cli.console import printable, say
from penstock.cli.exits import FAILED, OK
from penstock.doctor import Doctor, Report, Told


@click.command("doctor", epilog="Example: penstock doctor --config /etc/penstock.toml")
@options.config
@options.data
@options.as_json
def command(config: Path | None, data: Path | None, as_json: bool) -> None:
    """Look at every store, and say what should be changed.

    Reaches each store, and looks at its settings, schema, clock, room, queues and runners. Nothing is changed, and no
    store is waited for longer than 5 seconds. Lines that begin with `wrong` must be changed, those with `advice` may.

    The exit code is 0 if all is well, 1 if something must be changed.
    """
    if data is not None and not data.is_dir():
        raise click.UsageError(f"--data {data}: is not there", click.get_current_context())
    report = options.run(Doctor(options.application(config, data=data)).look())
    if as_json:
        say(json_of(report))
    else:
        for told in report.told:
            say(line_of(told))
    sys.exit(OK if report.is_well else FAILED)


def line_of(told: Told) -> str:
    """A finding as a line."""
    one = told.finding
    change = f"; {one.change}" if one.change else ""
    return printable(f"{one.level:6} {told.store or 'all stores'}: {one.about}: {one.text}{change}")


def json_of(report: Report) -> str:
    """All findings as one JSON document."""
    findings = [
        {
            "store": told.store,
            "level": told.finding.level,
            "about": told.finding.about,
            "text": told.finding.text,
            "change": told.finding.change,
        }
        for told in report.told
    ]
    return msgspec.json.encode({"ok": report.is_well, "findings": findings}).decode()
