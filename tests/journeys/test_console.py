"""The command line beside a running server: one job on the console, and what the server sees of each verb."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from penstock.serialization import JSON
from tests.commands.processes import script
from tests.journeys.processes import SOON, configured, get, post, server, target

pytestmark = pytest.mark.slow


@asynccontextmanager
async def console(config: Path, *words: str) -> AsyncIterator[Process]:
    """`penstock <words>`, whose output is read by the test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "penstock.cli", *words, "--config", str(config)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=config.parent,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: Process) -> str:
    """The next line of its standard output."""
    assert process.stdout is not None
    async with asyncio.timeout(SOON):
        return (await process.stdout.readline()).decode()


async def rest_of(process: Process) -> tuple[int, str]:
    """How it ends, and all that it still says on standard output."""
    async with asyncio.timeout(SOON):
        out, _ = await process.communicate()
    return await process.wait(), out.decode()


async def says(config: Path, *words: str) -> str:
    """What `penstock <words>` says, once it has ended well."""
    async with console(config, *words) as process:
        code, out = await rest_of(process)
    assert code == 0
    return out


async def jobs(config: Path) -> dict[int, dict[str, JSON]]:
    """All jobs that are ready, claimed or done."""
    states = [word for state in ("ready", "claimed", "done") for word in ("--status", state)]
    shown = json.loads(await says(config, "show-jobs", "--list", "--json", *states))
    return {job["id"]: job for job in shown["jobs"]}


async def test_what_a_program_writes_is_seen_while_it_runs_and_kept(tmp_path: Path) -> None:
    config = configured(tmp_path)
    os.mkfifo(tmp_path / "go")
    slow = script(tmp_path / "slow.sh", f"echo one; read word < {tmp_path}/go; echo $word")
    await says(config, "push", "exec", "--param", f"cmd={slow}")

    async with console(config, "run-job", "1") as process:
        assert await line_of(process) == "one\n"
        claimed = await jobs(config)
        await asyncio.to_thread((tmp_path / "go").write_text, "two\n")
        assert await line_of(process) == "two\n"
        code, rest = await rest_of(process)

    assert claimed[1]["state"] == "claimed"
    assert (code, rest.startswith("job 1 is done after ")) == (0, True)
    assert (await jobs(config))[1]["result"] == {
        "exit_code": 0,
        "output": "one\ntwo\n",
        "truncated": False,
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_gives_the_job_back(tmp_path: Path, number: signal.Signals) -> None:
    config = configured(tmp_path)
    os.mkfifo(tmp_path / "never")
    stuck = script(tmp_path / "stuck.sh", f"echo began; read word < {tmp_path}/never")
    await says(config, "push", "exec", "--param", f"cmd={stuck}")

    async with console(config, "run-job", "1") as process:
        assert await line_of(process) == "began\n"
        process.send_signal(number)
        code, rest = await rest_of(process)

    assert code == 1
    assert "was given back" in rest
    job = (await jobs(config))[1]
    assert (job["state"], job["attempt"]) == ("ready", 0)


async def test_a_job_that_runs_longer_than_its_claim_is_not_taken_by_a_server(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path)
    config.write_text(f"{config.read_text()}\n[queues.exec]\nttl = 3\n")
    long = script(tmp_path / "long.sh", "for i in 1 2 3 4; do sleep 1; echo $i; done")

    async with server(config, "--no-runner"):
        await says(config, "push", "exec", "--param", f"cmd={long}")
        ran = await says(config, "run-job", "1")

    assert ran.startswith("1\n2\n3\n4\njob 1 is done")
    assert (await jobs(config))[1]["attempt"] == 1


async def test_a_running_server_obeys_pause_resume_and_cancel(tmp_path: Path) -> None:
    config = configured(tmp_path)
    os.mkfifo(tmp_path / "never")
    stuck = script(tmp_path / "stuck.sh", f"read word < {tmp_path}/never")
    command: JSON = {"type": "exec", "cmd": str(stuck)}

    async with target() as there, server(config) as (_, url):
        await says(config, "pause", "exec")
        await post(f"{url}/v1/jobs", {"command": command})
        await post(f"{url}/v1/jobs", {"command": {"type": "http", "url": f"{there.url}/look"}})
        assert await there.next() == "/look"  # the runner has looked since
        paused = await get(f"{url}/v1/jobs/1")
        await says(config, "resume", "exec")
        async with asyncio.timeout(SOON):
            while (await get(f"{url}/v1/jobs/1"))["state"] != "claimed":
                continue
        asked = await says(config, "cancel", "1")
        ended = await get(f"{url}/v1/jobs/1?wait=20")

    assert paused["state"] == "ready"
    assert "is asked to stop" in asked
    assert ended["state"] == "cancelled"


async def test_a_retried_job_is_run_by_the_server(tmp_path: Path) -> None:
    config = configured(tmp_path)
    moody = script(tmp_path / "moody.sh", f"test -e {tmp_path}/good")

    async with server(config) as (_, url):
        await post(f"{url}/v1/jobs", {"command": {"type": "exec", "cmd": str(moody)}})
        dead = await get(f"{url}/v1/jobs/1?wait=20")
        (tmp_path / "good").write_text("")
        await says(config, "retry", "1")
        done = await get(f"{url}/v1/jobs/1?wait=20")

    assert [dead["state"], done["state"]] == ["dead", "done"]
