"""What the command line says: nothing forges a line, and nobody has to listen."""

import os
import sys

import pytest

from penstock.cli.console import complain, printable, say


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain – with é and 水", "plain – with é and 水"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2J\x9b\u202e", r"\x1b[2J\x9b\u202e"),
    ],
)
def test_control_characters_are_written_out(line: str, shown: str) -> None:
    assert printable(line) == shown


def test_a_complaint_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    complain("penstock: a\nforged line")

    out, err = capsys.readouterr()
    assert (out, err) == ("", "penstock: a\\nforged line\n")


def test_after_a_reader_has_gone_lines_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)

        say("nobody reads this")
        say("nor this")
