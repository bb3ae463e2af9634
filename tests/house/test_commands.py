"""The commands of the README work in a new clone, in an environment of nothing but PATH."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
BARE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)

# A clone is set up once, for all tests of one worker.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("a new clone"),
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new clone of what is committed here, set up."""
    place = tmp_path_factory.mktemp("new clone")
    subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
    subprocess.run(["make", "setup"], cwd=place, env=BARE, check=True)
    return place


def commands_of_the_readme() -> list[str]:
    lines = "\n".join(FENCED.findall((ROOT / "README.md").read_text())).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("make ")]


def test_the_readme_names_two_commands() -> None:
    assert commands_of_the_readme() == ["make run", "make test"]


def test_setup_leaves_a_command_that_explains_itself(clone: Path) -> None:
    answer = run([".venv/bin/penstock", "--help"], clone)

    assert answer.returncode == 0, answer.stderr
    assert "serve" in answer.stdout


def test_a_second_setup_has_nothing_to_do_from_anywhere(clone: Path, tmp_path: Path) -> None:
    answer = run(["make", "--no-print-directory", "-C", str(clone), "setup"], tmp_path)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_setup_repairs_what_an_interrupted_one_left(clone: Path) -> None:
    (clone / ".venv/.installing").touch()
    (clone / ".venv/bin/penstock").unlink()

    assert run(["make", "setup"], clone).returncode == 0

    assert run([".venv/bin/penstock", "--help"], clone).returncode == 0


def test_run_serves_until_it_is_told_to_stop(clone: Path, tmp_path: Path) -> None:
    [command] = [line for line in commands_of_the_readme() if line == "make run"]
    port = free_port()

    with running([*command.split(), f"PORT={port}", f"DATA={tmp_path / 'data'}"], clone) as server:
        wait_for_line(server, f"127.0.0.1:{port}")
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.status == 200

    assert list((tmp_path / "data").iterdir())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_the_pipeline_calls_what_is_documented() -> None:
    steps = [
        line
        for line in (ROOT / ".ci/run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd ", "export CI="))
    ]

    assert steps == ["make check test"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_an_old_python_is_refused_in_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/setup.sh").write_text((ROOT / "tools/setup.sh").read_text())
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    answer = run(["sh", "tools/setup.sh"], tmp_path, PYTHON=str(old))

    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert f"PYTHON={old} is not Python 3.11 or newer" in line


def run(command: list[str], cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=BARE | more, capture_output=True, text=True, check=False
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own; asked to stop at the end, and gone afterwards."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=BARE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise


def wait_for_line(process: subprocess.Popen[str], part: str) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if part in line:
            return
    raise AssertionError(f"it ended without a line with {part}: {seen}")
