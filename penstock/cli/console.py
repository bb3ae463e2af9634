"""What the command line says: whole lines that nothing can forge, to a reader that may go away at any time."""

import os
import sys

import click


def printable(line: str) -> str:
    """The line with its control characters written out: no client's or job's words make a line or move a cursor."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def say(line: str) -> None:
    """Print the line; a reader that has gone away does not hold up what is still to be done."""
    try:
        click.echo(line)
    except BrokenPipeError:
        silence()


def complain(line: str) -> None:
    """One line on standard error, whatever it carries."""
    click.echo(printable(line), err=True)


def silence() -> None:
    """Nobody reads any more: what is printed from now on goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
