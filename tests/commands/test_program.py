"""Running a program, and leaving nothing of it behind."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.commands.program import Ended, Program, Ran
from penstock.policy import MAX_RESULT
from tests.commands.processes import is_gone, script

ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
SOON = timedelta(seconds=0.2)
LATER = timedelta(seconds=30)


def program(*argv: Path | str, timeout: timedelta = LATER) -> Program:
    return Program([str(word) for word in argv], environment=ENVIRONMENT, timeout=timeout)


@pytest.mark.parametrize("code", [0, 1, 3, 75, 255])
def test_the_exit_code_and_both_outputs_are_told(code: int, tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", f"echo out; echo err >&2; exit {code}")

    ran = program(run).run()

    assert ran == Ran(ended=Ended.BY_ITSELF, exit_code=code, output=b"out\nerr\n")


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    ran = program(script(tmp_path / "a.sh", "kill -9 $$")).run()

    assert (ran.ended, ran.exit_code) == (Ended.BY_ITSELF, -signal.SIGKILL)


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("text")

    with pytest.raises(FileNotFoundError):
        program(tmp_path / "missing").run()
    with pytest.raises(PermissionError):
        program(tmp_path / "plain").run()


def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", 'printf "<%s>" "$@"')

    ran = program(run, "two words", "$(id)", "*", "; x", "").run()

    assert ran.output == b"<two words><$(id)><*><; x><>"


def test_it_works_in_a_place_of_its_own_that_is_removed(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "pwd; ls -A; touch file; mkdir -m 0 closed")

    directory = Path(program(run).run().output.decode().strip())

    assert directory.is_absolute()
    assert not directory.exists()


@pytest.fixture
def own_input() -> Iterator[None]:
    """Our own standard input is a pipe that holds something, for the time of the test."""
    kept = os.dup(0)
    read, write = os.pipe()
    os.write(write, b"ours")
    os.dup2(read, 0)
    os.close(write)
    yield
    os.dup2(kept, 0)
    os.close(kept)
    os.close(read)


@pytest.mark.usefixtures("own_input")
def test_it_reads_nothing(tmp_path: Path) -> None:
    assert program(script(tmp_path / "a.sh", "cat; echo end")).run().output == b"end\n"


def test_it_inherits_no_file(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "ls /proc/$$/fd")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        seen = program(run).run().output.decode().split()
    finally:
        os.close(read)
        os.close(write)

    assert {"0", "1", "2"} <= set(seen)
    assert str(write) not in seen


def test_it_leaves_no_core(tmp_path: Path) -> None:
    """The limit comes a moment after the start, so the script waits for it."""
    run = script(tmp_path / "a.sh", 'until [ "$(ulimit -Hc)" = 0 ]; do :; done; echo limited')

    ran = program(run, timeout=timedelta(seconds=10)).run()

    assert (ran.ended, ran.output) == (Ended.BY_ITSELF, b"limited\n")


def test_a_long_output_is_cut_and_the_program_never_waits(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "head -c 3000000 /dev/zero | tr '\\0' x; exit 4")

    ran = program(run).run()

    assert (ran.exit_code, ran.truncated) == (4, True)
    assert ran.output == b"x" * MAX_RESULT


def test_at_the_deadline_it_may_end_in_order(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "trap 'echo bye; exit 7' TERM; echo $$; sleep 100 & wait")

    ran = program(run, timeout=timedelta(seconds=0.5)).run()

    assert (ran.ended, ran.exit_code) == (Ended.LATE, 7)
    assert ran.output.endswith(b"bye\n")


@pytest.mark.slow
def test_who_does_not_end_in_order_is_killed(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "trap '' TERM; echo $$; sleep 100 & echo $!; wait; wait")

    ran = program(run, timeout=SOON).run()

    assert (ran.ended, ran.exit_code) == (Ended.LATE, -signal.SIGKILL)
    assert all(is_gone(int(pid)) for pid in ran.output.split())


def test_who_stays_behind_is_ended_with_the_program(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "sleep 100 & echo $!; (sleep 100 & echo $!) ; exit 0")

    ran = program(run).run()

    pids = [int(pid) for pid in ran.output.split()]
    assert (ran.ended, ran.exit_code, len(pids)) == (Ended.BY_ITSELF, 0, 2)
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid of util-linux")
def test_who_left_the_group_holds_nothing_up(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "setsid sleep 100 & echo $!; echo end")

    ran = program(run).run()
    escaped = int(ran.output.split()[0])

    try:
        assert (ran.ended, ran.exit_code) == (Ended.BY_ITSELF, 0)
    finally:
        os.kill(escaped, signal.SIGKILL)


def test_it_can_be_stopped_from_another_thread(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    asked = program(script(tmp_path / "a.sh", f"echo $$ > {gate}; sleep 100"))
    told: list[Ran] = []
    running = threading.Thread(target=lambda: told.append(asked.run()))

    running.start()
    pid = int(gate.read_text())
    asked.stop()
    running.join(20)

    assert [(ran.ended, ran.exit_code) for ran in told] == [(Ended.STOPPED, -signal.SIGTERM)]
    assert is_gone(pid)


def test_stopped_before_it_starts_it_never_starts(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    asked = program(script(tmp_path / "a.sh", f"touch {mark}"))

    asked.stop()

    assert asked.run() == Ran(ended=Ended.STOPPED, exit_code=None)
    assert not mark.exists()


def test_stopped_after_its_end_nothing_happens(tmp_path: Path) -> None:
    asked = program(script(tmp_path / "a.sh", "exit 0"))

    assert asked.run().exit_code == 0
    asked.stop()


def test_many_runs_leave_no_file_open(tmp_path: Path) -> None:
    run = script(tmp_path / "a.sh", "echo x")
    program(run).run()
    before = os.listdir("/proc/self/fd")

    for _ in range(20):
        program(run).run()

    assert os.listdir("/proc/self/fd") == before
