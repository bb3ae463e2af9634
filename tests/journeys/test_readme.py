"""The README's example of a job of one's own, word for word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_job_of_the_readme_runs(tmp_path: Path) -> None:
    [code] = [text for kind, text in FENCED.findall(README) if kind == "python"]
    [commands] = [text for kind, text in FENCED.findall(README) if "--app jobs" in text]
    (tmp_path / "jobs.py").write_text(code)

    printed = [run(line, tmp_path) for line in commands.splitlines()]

    assert printed[0] == "1\n"
    assert " greet default name=world (id=1," in printed[1]
    assert printed[1].endswith(" good\n")


def run(line: str, place: Path) -> str:
    words = line.split("#", maxsplit=1)[0].split()
    assert words[0] == ".venv/bin/penstock"
    command = [sys.executable, "-m", "penstock.cli", *words[1:]]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stdout
