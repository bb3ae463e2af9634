"""docs/python.md is true: its files are what checkers accept, and do together what the page says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("checkers")]

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text()
FILE = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```(\w+)$", re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with all files of the page."""
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(place: Path, *command: str) -> str:
    answer = subprocess.run(
        [sys.executable, *command], cwd=place, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def push(place: Path, type: str, app: str, **params: object) -> int:
    words = ["--params", json.dumps(params), "--app", app]
    return int(run(place, "-m", "penstock.cli", "push", type, *words))


def ran(place: Path, app: str) -> list[dict[str, object]]:
    command = ["-m", "penstock.cli", "run-jobs", "--app", app, "--result", "json"]
    answer = subprocess.run(
        [sys.executable, *command], cwd=place, capture_output=True, text=True, check=False
    )
    jobs: list[dict[str, object]] = json.loads(answer.stdout)["jobs"]
    return [{name: job[name] for name in ("type", "status", "error")} for job in jobs]


def test_every_block_of_python_is_a_file() -> None:
    assert len(FILE.findall(PAGE)) == FENCED.findall(PAGE).count("python") > 4


def test_checkers_accept_every_file(place: Path) -> None:
    (place / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    files = [name for name, _ in FILE.findall(PAGE)]

    run(place, "-m", "mypy", "--strict", "--cache-dir", ".mypy_cache", *files)
    run(place, "-m", "pyright", "--pythonpath", sys.executable, *files)


def test_jobs_are_pushed_and_run(place: Path) -> None:
    [command] = [line for line in PAGE.splitlines() if line.startswith("penstock run-jobs")]

    pushed = run(place, "push.py").splitlines()
    lines = run(place, "-m", "penstock.cli", *command.split("#")[0].split()[1:]).splitlines()

    assert pushed[:2] == ["1", "[2, 3]"]
    assert pushed[2].startswith("priority: is not within 0 and 1000")
    assert [line.split()[2] for line in lines if line.endswith(" good")] == [
        "send_mail",
        "resize",
        "resize",
    ]


def test_a_script_pushes_without_a_loop(place: Path) -> None:
    lines = run(place, "-W", "error", "script.py").splitlines()

    assert lines == ["True True", "job 1 is ready; only a done job has a result"]


def test_a_job_pushes_another_through_the_penstock_that_runs_it(place: Path) -> None:
    push(place, "order", "shop:penstock", mail="a@example.org")

    assert [job["type"] for job in ran(place, "shop:penstock")] == ["order", "send_mail"]


def test_the_tests_of_the_page_pass(place: Path) -> None:
    strict = ["-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"]

    answer = run(place, "-m", "pytest", "-q", "-p", "no:cacheprovider", *strict, "test_jobs.py")

    assert "2 passed" in answer


def test_a_job_ends_as_what_it_raises_says(place: Path) -> None:
    for status in (200, 429, 404, 499):
        push(place, "fetch", "fetch", url="u", status=status)

    jobs = ran(place, "fetch")

    assert [job["error"] for job in jobs] == [
        None,
        "too many requests",
        "u is gone",
        "nobody wants it any more",
    ]


def test_a_job_tells_its_progress_and_knows_its_key(place: Path) -> None:
    push(place, "export", "export", into="key", pages=3)

    assert ran(place, "export") == [{"type": "export", "status": "ok", "error": None}]
    assert re.fullmatch(r"[0-9a-f-]{36}-1", (place / "key").read_text())


def test_a_job_counts_in_a_process_of_its_own(place: Path) -> None:
    push(place, "count_primes", "count", below=100)

    assert ran(place, "count") == [{"type": "count_primes", "status": "ok", "error": None}]


def test_a_job_is_cancelled_and_another_tried_again(place: Path) -> None:
    dead = push(place, "fetch", "fetch", url="u", status=404)
    ran(place, "fetch")
    waiting = push(place, "fetch", "fetch", url="u")

    assert run(place, "control.py", str(waiting), str(dead)).split() == ["cancelled", "ready"]
