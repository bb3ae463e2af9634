"""The example of an engine, as a third party has it: installed by itself, found by its URL, held to the suite."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.places import EXAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("engine-example"), pytest.mark.timeout(600)]

EXAMPLE = EXAMPLES / "engine"
MOST_LINES = 149
ECHO = Path("/bin/echo").resolve()
CONFIG = f"""
[stores.main]
url = "journal://jobs.journal"

[commands.exec]
allow = ["{ECHO} **"]
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes in which the package is installed."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, *alone, "--target", target, EXAMPLE], check=True)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(target)}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a configuration whose store is a journal."""
    (tmp_path / "penstock.toml").write_text(CONFIG)
    return tmp_path


def penstock(
    place: Path, environment: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock.cli", *words],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def serving(place: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A server that listens, without a runner; killed at the end."""
    command = [sys.executable, "-m", "penstock.cli", "serve", "--no-runner", "--port", "0"]
    with subprocess.Popen(
        command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "listening on" in line)
            assert re.search(r"http://127\.0\.0\.1:\d+", said)
            yield process
        finally:
            process.kill()


def test_it_passes_the_suite(environment: dict[str, str], tmp_path: Path) -> None:
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]

    done = subprocess.run(
        [*suite, "--rootdir", tmp_path, "-c", os.devnull, "--import-mode=importlib", EXAMPLE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 500


def test_its_url_is_a_store_and_its_jobs_outlive_each_process(
    environment: dict[str, str], place: Path
) -> None:
    params = json.dumps({"argv": [str(ECHO), "from the journal"]})
    pushed = penstock(place, environment, "push", "exec", "--params", params)
    ran = penstock(place, environment, "run-jobs")
    listed = penstock(place, environment, "show-jobs", "--list", "--status", "done", "--json")

    assert (pushed.returncode, pushed.stdout) == (0, "1\n"), pushed.stderr
    assert ran.returncode == 0, ran.stderr
    assert "from the journal" in listed.stdout


def test_one_process_at_a_time_has_it_open(environment: dict[str, str], place: Path) -> None:
    with serving(place, environment):
        refused = penstock(place, environment, "show-jobs")

    assert refused.returncode == 75
    assert "jobs.journal" in refused.stderr
    assert penstock(place, environment, "show-jobs").returncode == 0


def test_an_engine_that_is_not_installed_is_named(place: Path) -> None:
    refused = penstock(place, {"PATH": os.environ["PATH"]}, "show-jobs")

    assert refused.returncode == 78
    assert "[stores.main] url: no engine for 'journal'" in refused.stderr


def test_all_of_its_python_is_short_enough_to_be_read_in_one_go() -> None:
    files = [path for path in EXAMPLE.rglob("*.py") if "__pycache__" not in path.parts]

    assert sum(len(path.read_text().splitlines()) for path in files) <= MOST_LINES
