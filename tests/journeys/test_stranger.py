"""The first quarter of an hour of somebody new: one small file, a server, a job by HTTP and one by Python."""

import asyncio
from pathlib import Path

import pytest

from tests.journeys.processes import LISTENING, get, post, python
from tests.journeys.programs import Ended, run

pytestmark = pytest.mark.slow

JOBS = """\
from penstock import Context, Job, Penstock


class Greet(Job, type="greet"):
    name: str

    async def run(self, context: Context) -> dict[str, str]:
        return {"hello": self.name}


penstock = Penstock.from_config(jobs=[Greet])
"""

PUSH = """
from jobs import Greet, penstock
pushed = penstock.push_sync(Greet("python"))
print(penstock.sync(lambda: penstock.result(pushed, wait=20)))
"""


@pytest.mark.parametrize("app", ["jobs", "jobs:Greet", "jobs:penstock"])
async def test_from_an_empty_directory_to_results(tmp_path: Path, app: str) -> None:
    assert len(JOBS.splitlines()) <= 15
    (tmp_path / "jobs.py").write_text(JOBS)
    serve = ("-m", "penstock.cli", "serve", "--app", app, "--port", "0")

    async with python(tmp_path, "-W", "error", *serve) as server:
        url = await server.says(LISTENING)
        status, _ = await post(f"{url}/v1/jobs", {"type": "greet", "params": {"name": "http"}})
        by_http = await get(f"{url}/v1/jobs/1?wait=20")
        wrong, problem = await post(f"{url}/v1/jobs", {"type": "greet", "params": {"nam": "x"}})
        by_python = await asyncio.to_thread(run, tmp_path, PUSH)

    assert (status, by_http["result"]) == (202, {"hello": "http"})
    assert wrong == 422
    assert "params.nam: is unknown; did you mean name?" in str(problem)
    assert by_python == Ended(0, "{'hello': 'python'}\n", "")


def test_a_typo_of_the_stranger_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)

    ended = run(tmp_path, 'from jobs import *\npenstock.push_sync(Greet("a"), dely=5)')

    assert ended.code == 1
    assert ended.err.splitlines()[-1].endswith("push has no option 'dely'; did you mean delay?")
