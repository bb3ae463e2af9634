"""The Queue Server's own examples, from curl to callback."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.journeys.processes import configured, curl, get, post, server, target

pytestmark = pytest.mark.slow

# As its documentation has it; only the host is ours.
EXAMPLE = """{
"priority" : 800,
"context" : "MyCoolApp",
"command": {
"type": "http",
"url": "HOST/delay/10",
"method": "GET",
"timeout": 20,
"params": {
"username": "michael"
}
},
"callback_done": {
"type": "http",
"url": "HOST/get?job=done",
"method": "GET"
}
}"""


async def add(url: str, payload: str) -> int:
    printed = await curl(f"{url}/jobs/add", "-H", "Content-Type: application/json", "-d", payload)
    answer = json.loads(printed)
    assert answer["status"] == "OK"
    return int(answer["job_id"])


async def worker_status(url: str, id: int) -> object:
    answer = json.loads(await curl(f"{url}/jobs/status/{id}"))
    return answer["data"]["worker_status"]


async def test_the_http_example_runs_once_and_its_callback_comes_once_after_it_is_done(
    tmp_path: Path,
) -> None:
    seen_at_callback: list[object] = []
    async with target() as to, server(configured(tmp_path)) as (_, url):

        async def called_back(request: web.BaseRequest) -> web.StreamResponse:
            seen_at_callback.append(await worker_status(url, 1))
            return web.json_response({})

        to.at["/get"] = called_back
        id = await add(url, EXAMPLE.replace("HOST", to.url))
        assert await to.next() == "/delay/10"
        assert await worker_status(url, id) == 1
        to.hold.set()
        assert await to.next() == "/get"
        callback = await get(f"{url}/v1/jobs/2?wait=10")
        job = await get(f"{url}/v1/jobs/{id}")

    assert seen_at_callback == [3]
    assert job["state"] == "done"
    assert job["callbacks"] == [{"on": "done", "job_id": 2, "state": "done"}]
    assert (callback["type"], callback["state"], callback["attempt"]) == ("callback", "done", 1)
    assert [request.path_qs for request in to.requests] == [
        "/delay/10?username=michael",
        "/get?job=done",
    ]


async def test_before_a_runner_comes_the_job_waits_and_it_survives_the_server(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path)
    async with target() as to:
        async with server(config, "--no-runner") as (_, url):
            id = await add(url, EXAMPLE.replace("HOST", to.url))
            assert await worker_status(url, id) == 0
            totals = json.loads(await curl(f"{url}/jobs/status"))
            assert totals["data"] == {
                "waiting": 1,
                "working": 0,
                "max_threads": 0,
                "free_threads": 0,
            }
        to.hold.set()
        async with server(config) as (_, url):
            job = await get(f"{url}/v1/jobs/{id}?wait=10")

    assert job["state"] == "done"


async def test_a_failed_command_ends_99_and_is_never_reported_as_done(tmp_path: Path) -> None:
    async with target() as to, server(configured(tmp_path)) as (_, url):
        command = {"type": "http", "url": f"{to.url}/broken?status=404"}
        callback = {"type": "http", "url": f"{to.url}/done"}
        id = await add(url, json.dumps({"command": command, "callback_done": callback}))
        job = await get(f"{url}/v1/jobs/{id}?wait=10")
        assert await worker_status(url, id) == 99
        # Whatever was pushed with the end would run before a job that is pushed after it.
        later = await add(url, json.dumps({"command": {"type": "http", "url": f"{to.url}/later"}}))
        await get(f"{url}/v1/jobs/{later}?wait=10")

    assert (job["state"], job["callbacks"]) == ("dead", [])
    assert to.paths() == ["/broken", "/later"]


async def test_the_id_stands_where_the_placeholder_stood(tmp_path: Path) -> None:
    async with target() as to, server(configured(tmp_path)) as (_, url):
        command = {"type": "http", "url": f"{to.url}/get?jobid=__JOBID__"}
        callback = {"type": "http", "url": f"{to.url}/done/__JOBID__"}
        id = await add(url, json.dumps({"command": command, "callback_done": callback}))
        await get(f"{url}/v1/jobs/{id}?wait=10")
        await get(f"{url}/v1/jobs/{id + 1}?wait=10")

    assert [request.path_qs for request in to.requests] == [f"/get?jobid={id}", f"/done/{id}"]


async def test_the_exec_example_keeps_output_and_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "somescript.sh"
    script.write_text("#!/bin/sh\necho hello $1\nexit $2\n")
    script.chmod(0o755)
    async with server(configured(tmp_path, scripts=tmp_path)) as (_, url):
        good = await add(url, json.dumps({"command": {"type": "exec", "cmd": f"{script} you 0"}}))
        bad = await add(url, json.dumps({"command": {"type": "exec", "cmd": f"{script} me 3"}}))
        first = await get(f"{url}/v1/jobs/{good}?wait=10")
        second = await get(f"{url}/v1/jobs/{bad}?wait=10")

    assert first["result"] == {"exit_code": 0, "output": "hello you\n", "truncated": False}
    assert (second["state"], second["attempt"]) == ("dead", 1)
    assert second["result"] == {"exit_code": 3, "output": "hello me\n", "truncated": False}


async def test_a_program_that_nobody_allowed_is_refused_with_the_line_to_add(
    tmp_path: Path,
) -> None:
    async with server(configured(tmp_path, scripts=tmp_path / "allowed")) as (_, url):
        status, problem = await post(
            f"{url}/jobs/add", {"command": {"type": "exec", "cmd": "/bin/echo hello"}}
        )

    assert status == 403
    assert "[commands.exec] allow" in str(problem)
