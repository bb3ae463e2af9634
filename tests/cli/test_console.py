"""What the command line says: nothing forges a line, and nobody has to listen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.console import complain, printable, say
from tests.installation import SOON


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


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- 2>&- <&-"])
def test_a_stream_that_is_closed_hinders_no_verb(closed: str, tmp_path: Path) -> None:
    program = f"{sys.executable} -m penstock.cli"

    ended = subprocess.run(
        ["sh", "-c", f"{program} push http --param url=http://example.org/ {closed}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=SOON * 2,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "penstock.db").read_bytes().startswith(b"SQLite format 3")
