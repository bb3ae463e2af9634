"""exec commands, with real programs."""

import asyncio
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.commands.exec import ExecCommand
from penstock.errors import Bury, Cancel, JobFailed
from penstock.policy import MAX_RESULT
from penstock.serialization import JSONObject, check, encode
from tests.commands.jobs import UUID, context, exec_command
from tests.commands.processes import is_gone, script

ENV = os.path.realpath("/usr/bin/env")
EXAMPLES = Path(__file__).parents[2] / "examples" / "scripts"


class Ears:
    """Hears what a job's program writes."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def wrote(self, data: bytes) -> None:
        """Keep it for the test, which is in another thread."""
        self._loop.call_soon_threadsafe(self.heard.put_nowait, data)


async def test_a_program_runs_and_its_output_is_kept(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", 'echo "hello $1"; echo warned >&2')

    run_any.check({"cmd": f"{path} world"})
    result = await run_any.run(context({"cmd": f"{path} world"}))

    assert result == {"exit_code": 0, "output": "hello world\nwarned\n", "truncated": False}


async def test_its_output_is_heard_while_it_runs_and_kept_all_the_same(
    run_any: ExecCommand, folder: Path
) -> None:
    os.mkfifo(folder / "go")
    path = script(folder / "a.sh", f"echo one; read word < {folder}/go; echo $word")
    look = context({"cmd": str(path)})
    ears = Ears()
    look.wrote = ears.wrote
    running = asyncio.ensure_future(run_any.run(look))

    async with asyncio.timeout(5):
        assert await ears.heard.get() == b"one\n"
        assert not running.done()
        await asyncio.to_thread((folder / "go").write_text, "two\n")
        result = await running

    assert await ears.heard.get() == b"two\n"
    assert result == {"exit_code": 0, "output": "one\ntwo\n", "truncated": False}


async def test_argv_is_taken_word_for_word(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", 'printf "<%s>" "$@"')

    result = await run_any.run(context({"argv": [str(path), "a b", "'", ""]}))

    assert isinstance(result, dict)
    assert result["output"] == "<a b><'><>"


async def test_no_shell_ever_sees_a_command(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", 'printf "<%s>" "$@"')
    mark = folder / "pwn"

    result = await run_any.run(
        context({"cmd": f"{path} a; touch {mark} && $(touch {mark}) `x` | > {mark} * ~"})
    )

    assert isinstance(result, dict)
    assert str(result["output"]).startswith("<a;><touch>")
    assert "<*><~>" in str(result["output"])
    assert not mark.exists()


async def test_75_is_tried_again(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", "echo busy; exit 75")

    with pytest.raises(JobFailed, match="75") as failed:
        await run_any.run(context({"cmd": str(path)}))

    assert type(failed.value) is JobFailed
    assert failed.value.result == {"exit_code": 75, "output": "busy\n", "truncated": False}


@pytest.mark.parametrize("code", [1, 2, 3, 74, 76, 126, 127, 255])
async def test_other_codes_are_final_and_kept(
    code: int, run_any: ExecCommand, folder: Path
) -> None:
    path = script(folder / "a.sh", f"echo no; exit {code}")

    with pytest.raises(Bury, match=f"exit code {code}") as buried:
        await run_any.run(context({"cmd": str(path)}))

    assert buried.value.result == {"exit_code": code, "output": "no\n", "truncated": False}


async def test_a_signal_is_final_and_named(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", "kill -SEGV $$")

    with pytest.raises(Bury, match="SIGSEGV") as buried:
        await run_any.run(context({"cmd": str(path)}))

    assert isinstance(buried.value.result, dict)
    assert buried.value.result["exit_code"] == -11


async def test_a_program_that_is_not_there_is_final(run_any: ExecCommand, folder: Path) -> None:
    params: JSONObject = {"cmd": str(folder / "missing.sh")}

    run_any.check(params)  # it may be put there before the job runs
    with pytest.raises(Bury, match="No such file"):
        await run_any.run(context(params))


async def test_a_program_that_cannot_be_run_is_final(run_any: ExecCommand, folder: Path) -> None:
    (folder / "plain.sh").write_text("text")

    with pytest.raises(Bury, match="Permission denied"):
        await run_any.run(context({"cmd": str(folder / "plain.sh")}))


@pytest.fixture
def binary(folder: Path) -> Path:
    """A program that is no script."""
    return Path(shutil.copy(ENV, folder / "env.sh"))


async def test_a_program_that_is_being_written_is_tried_again(
    run_any: ExecCommand, binary: Path
) -> None:
    with binary.open("r+b"), pytest.raises(JobFailed, match="busy") as failed:
        await run_any.run(context({"cmd": str(binary)}))

    assert type(failed.value) is JobFailed


async def test_a_late_program_is_ended_and_tried_again(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", "echo $$; sleep 100")

    with pytest.raises(JobFailed, match=r"longer than 0\.3 s") as failed:
        await run_any.run(context({"cmd": str(path), "timeout": 0.3}))

    assert type(failed.value) is JobFailed
    assert isinstance(failed.value.result, dict)
    assert is_gone(int(str(failed.value.result["output"])))


async def test_without_a_timeout_of_its_own_the_program_has_the_jobs(
    run_any: ExecCommand, folder: Path
) -> None:
    path = script(folder / "a.sh", "sleep 100")

    with pytest.raises(JobFailed, match=r"longer than 0\.3 s"):
        await run_any.run(context({"cmd": str(path)}, timeout=timedelta(seconds=0.3)))


@pytest.mark.parametrize("by", ["event", "task", "both"])
async def test_a_cancelled_job_leaves_no_process(
    by: str, run_any: ExecCommand, folder: Path
) -> None:
    gate = folder / "gate"
    os.mkfifo(gate)
    path = script(folder / "a.sh", f"sleep 100 & echo $$ $! > {gate}; wait")
    job = context({"cmd": str(path)})
    running = asyncio.ensure_future(run_any.run(job))
    pids = [int(pid) for pid in (await asyncio.to_thread(gate.read_text)).split()]

    if by != "task":
        job.cancelled.set()
    if by != "event":
        running.cancel()
    with pytest.raises(Cancel if by == "event" else asyncio.CancelledError):
        await running

    assert all(is_gone(pid, within=0) for pid in pids[:1])
    assert all(is_gone(pid) for pid in pids)


async def test_a_job_cancelled_before_a_thread_is_free_never_runs(
    run_any: ExecCommand, folder: Path
) -> None:
    mark, release = folder / "mark", threading.Event()
    job = context({"cmd": str(script(folder / "a.sh", f"touch {mark}"))})
    with ThreadPoolExecutor(1) as threads:
        job.threads = threads
        threads.submit(release.wait)
        running = asyncio.ensure_future(run_any.run(job))
        await asyncio.sleep(0)
        running.cancel()

        with pytest.raises(asyncio.CancelledError):
            await running
        release.set()

    assert not mark.exists()


async def test_it_runs_in_the_threads_of_the_runner(run_any: ExecCommand, folder: Path) -> None:
    job = context({"cmd": str(script(folder / "a.sh", "exit 0"))})
    with ThreadPoolExecutor(1) as threads:
        threads.shutdown()
        job.threads = threads

        with pytest.raises(RuntimeError, match="shutdown"):
            await run_any.run(job)


async def test_it_learns_of_its_job_and_of_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "secret")
    monkeypatch.setenv("PENSTOCK_CALLBACKS_SECRETS", "secret")

    result = await exec_command(ENV).run(context({"cmd": ENV}, id=42, type="exec", attempt=2))

    assert isinstance(result, dict)
    told = dict(line.split("=", 1) for line in str(result["output"]).splitlines())
    assert sorted(told) == ["IDEMPOTENCY_KEY", "JOB_ATTEMPT", "JOB_ID", "JOB_TYPE", "LANG", "PATH"]
    assert (told["JOB_ID"], told["JOB_ATTEMPT"], told["JOB_TYPE"]) == ("42", "2", "exec")
    assert told["IDEMPOTENCY_KEY"] == f"{UUID}-42"


async def test_output_is_kept_as_far_as_it_may_be(run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", "head -c 200000 /dev/zero; printf '\\377'")

    result = await run_any.run(context({"cmd": str(path)}))

    assert isinstance(result, dict)
    assert result["truncated"] is True
    assert set(str(result["output"])) == {"\ufffd"}
    assert MAX_RESULT - 10 < len(encode(result).encode()) <= MAX_RESULT
    check(result, field="result")


async def test_the_example_script_greets() -> None:
    examples = exec_command(f"{EXAMPLES}/*.sh **")

    result = await examples.run(context({"cmd": f"{EXAMPLES}/hello.sh big world"}, id=42))

    assert isinstance(result, dict)
    assert result["output"] == "Hello, big world! This is job 42, attempt 1.\n"


async def test_the_example_script_fails_as_it_is_told() -> None:
    examples = exec_command(f"{EXAMPLES}/*.sh **")

    with pytest.raises(Bury, match="exit code 3"):
        await examples.run(context({"argv": [f"{EXAMPLES}/exit-with.sh", "3"]}))
    with pytest.raises(JobFailed, match="exit code 75") as failed:
        await examples.run(context({"argv": [f"{EXAMPLES}/exit-with.sh", "75"]}))

    assert type(failed.value) is JobFailed
