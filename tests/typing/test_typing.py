"""Both type checkers see what a user of typed jobs gets wrong, and nothing else."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.typing import right

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("checkers")]

RIGHT, WRONG = "right.py", "wrong.py"
TOLD_BY_MYPY = re.compile(r"^([\w./]+):(\d+): error: (.*)$", re.MULTILINE)

Errors = Mapping[tuple[str, int], str]


def by_mypy(place: Path) -> Errors:
    """The errors of each file, by their lines."""
    answer = run(place, "mypy", "--strict", "--cache-dir", ".mypy_cache", RIGHT, WRONG)
    return {(name, int(line)): text for name, line, text in TOLD_BY_MYPY.findall(answer)}


def by_pyright(place: Path) -> Errors:
    """The errors of each file, by their lines."""
    (place / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    answer = run(place, "pyright", "--pythonpath", sys.executable, "--outputjson", RIGHT, WRONG)
    report = json.loads(answer)
    assert report["summary"]["filesAnalyzed"] == 2
    return {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1): one["message"]
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    }


def run(place: Path, *command: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", *command], cwd=place, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1, answer.stdout + answer.stderr  # 0: nothing was refused
    return answer.stdout


@pytest.fixture(scope="module", params=[by_mypy, by_pyright])
def errors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """What a checker tells in a user's directory, where the samples are and no settings of ours."""
    checker: Callable[[Path], Errors] = request.param
    place = tmp_path_factory.mktemp("place")
    for name in (RIGHT, WRONG):
        (place / name).write_text(lines_of(name))
    return checker(place)


def lines_of(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def test_a_checker_accepts_what_is_right(errors: Errors) -> None:
    assert {place: text for place, text in errors.items() if place[0] != WRONG} == {}


def test_a_checker_refuses_each_mistake_and_nothing_else(errors: Errors) -> None:
    lines = lines_of(WRONG).splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if "# refused" in line}

    found = {line: text for (name, line), text in errors.items() if name == WRONG}

    assert [lines[number - 1] for number in sorted(marked - found.keys())] == []
    assert {number: found[number] for number in found.keys() - marked} == {}
    assert len(marked) > 20


def test_what_is_right_runs_as_well() -> None:
    assert [spec.type for spec in right.specs] == [
        "send_mail",
        "resize",
        "notify",
        "count",
        "ping",
        "any",
    ]
    assert list(right.registry.types) == ["count", "notify", "resize", "send_mail"]
