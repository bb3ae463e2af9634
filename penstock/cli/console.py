"""What the command line says: whole lines that nothing can forge, to a reader that may go away at any time."""

import os
import sys
from typing import TextIO

import click


def open_streams() -> None:
    """Standard input, output and error are open, if only to nowhere: else a store's files would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def printable(line: str) -> str:
    """The line with its control characters written out: no client's or job's words make a line or move a cursor."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def say(line: str, out: TextIO | None = None) -> None:
    """Print the line, to standard output or where else that was; a reader that has gone away holds up nothing."""
    try:
        click.echo(line, out)
    except BrokenPipeError:
        silence(out)


def complain(line: str) -> None:
    """One line on standard error, whatever it carries."""
    click.echo(printable(line), err=True)


def silence(out: TextIO | None = None) -> None:
    """Nobody reads any more: what is printed from now on goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), (out or sys.stdout).fileno())
