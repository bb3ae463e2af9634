"""Showing what a job lets out: at once and byte for byte, and never in the way of the job."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

import pytest

from penstock.cli.live import WAITING, Live
from penstock.job import Progress


class Terminal(io.TextIOWrapper):
    """A standard output that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


@contextmanager
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[bytes]]:
    """Standard output is a pipe; its other end."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as end, os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        yield end


def test_each_piece_is_shown_at_once_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(monkeypatch) as end, Live() as live:
        live.wrote(b"one \xff\x1b[1m\r")
        assert end.read(100) == b"one \xff\x1b[1m\r"
        live.wrote(b"two\n")
        assert end.read(100) == b"two\n"

    assert live.wrote_any


def test_what_is_printed_is_shown_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(monkeypatch) as end:
        before = sys.stdout
        with Live() as live:
            live.wrote(b"one\n")
            sys.stdout.write("two\x1b[0m\n")
            live.wrote(b"three\n")
            sys.stdout.write("é")
        assert sys.stdout is before
        sys.stdout.write("after\n")
        sys.stdout.flush()

        shown = b""
        while not shown.endswith(b"after\n"):
            shown += end.read(100)

    assert shown.decode() == "one\ntwo\x1b[0m\nthree\né\nafter\n"


def test_what_is_printed_is_no_output_of_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    with Live() as live:
        sys.stdout.write("a word\n")

    assert capsys.readouterr().out == "a word\n"
    assert not live.wrote_any


def test_what_follows_begins_at_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(monkeypatch) as end:
        with Live() as live:
            live.wrote(b"no end of line")

        assert end.read(100) == b"no end of line\n"


def test_on_a_terminal_nothing_moves_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(shown))

    with Live() as live:
        live.wrote("tab\tand é".encode()[:-1])
        live.wrote("é".encode()[-1:] + b"\x1b[2J\n")

    assert shown.getvalue().decode() == "tab\tand é\\x1b[2J\n"


def test_progress_is_a_line_on_standard_error_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Live() as live:
        live.progressed(Progress(percent=40.2))
        live.progressed(Progress(percent=40.4))
        live.progressed(Progress(percent=41, message="so\nfar"))

    out, err = capsys.readouterr()
    assert (out, err) == ("", "40 %\n41 % so\\nfar\n")
    assert not live.wrote_any


def test_a_reader_that_has_gone_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(monkeypatch) as end, Live() as live:
        end.close()
        for _ in range(3 * WAITING):
            live.wrote(b"x" * 4096)
            sys.stdout.write("y\n")


def test_a_reader_that_reads_nothing_holds_up_no_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with piped(monkeypatch) as end, Live(patience=timedelta(0)) as live:
        for _ in range(3 * WAITING):  # more than the pipe and what may wait together hold
            live.wrote(b"x" * 16384)
            live.progressed(Progress(percent=1))
        end.close()

    assert "bytes of output were not shown" in capsys.readouterr().err
