"""Callbacks: events and commands as they stand, against a real server and real programs."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.errors import Bury, JobFailed
from penstock.handler import FunctionHandler
from penstock.job import Callback, Move, On, timestamp
from penstock.policy import Outcome, follow_ups
from penstock.serialization import decode
from penstock.server import render
from tests.commands.callbacks import KEY, OTHER, SECRET, Installed, event_job, plain_job
from tests.commands.jobs import NOW, UUID, context
from tests.commands.processes import script
from tests.commands.targets import Target


async def test_an_event_is_posted_with_the_job_as_it_ended(
    installed: Installed, target: Target
) -> None:
    job = event_job(f"{target.url}/hook?x=1")

    installed.callback.check(job.params)
    result = await installed.callback.run(job)

    [seen] = target.seen
    assert (seen.method, seen.path) == ("POST", "/hook?x=1")
    assert json.loads(seen.body) == {
        "type": "job.done",
        "timestamp": "2026-11-22T12:00:00Z",
        "data": {
            "id": 7,
            "type": "http",
            "state": "done",
            "finished_at": "2026-11-22T12:00:00Z",
            "result": {"a": 1},
            "callbacks": [],
            "deduplicated": False,
        },
    }
    assert isinstance(result, dict)
    assert result["status"] == 200


async def test_an_event_is_signed_so_that_the_receiver_can_tell(
    installed: Installed, target: Target
) -> None:
    await installed.callback.run(event_job(target.url))

    [seen] = target.seen
    id, time = seen.headers["webhook-id"], seen.headers["webhook-timestamp"]
    content = b".".join((id.encode(), time.encode(), seen.body))
    digest = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert id == f"{UUID}-9"
    assert "." not in id
    assert int(time) == int(NOW.timestamp())
    assert seen.headers["webhook-signature"] == f"v1,{digest}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"] == "penstock/1.2.3"
    assert seen.headers["idempotency-key"] == id


async def test_a_retry_has_the_same_id_and_body_and_a_new_time(
    installed: Installed, target: Target
) -> None:
    target.reply(500)
    with pytest.raises(JobFailed):
        await installed.callback.run(event_job(target.url))
    installed.clock.tick(timedelta(minutes=5))
    await installed.callback.run(event_job(target.url))

    first, second = target.seen
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_while_rotating_it_is_signed_with_every_secret(target: Target) -> None:
    rotating = Installed(SECRET, OTHER)

    await rotating.callback.run(event_job(target.url))

    assert len(target.seen[0].headers["webhook-signature"].split(" ")) == 2
    await rotating.http.close()


async def test_without_secrets_it_is_not_signed(target: Target) -> None:
    unsigned = Installed()

    await unsigned.callback.run(event_job(target.url))

    assert "webhook-signature" not in target.seen[0].headers
    assert "webhook-id" in target.seen[0].headers
    await unsigned.http.close()


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 500, 502])
async def test_whatever_is_no_success_is_tried_again(
    status: int, installed: Installed, target: Target
) -> None:
    for job in (event_job(target.url), plain_job("http", url=target.url)):
        target.seen.clear()
        target.reply(status, Location=f"{target.url}/other", Retry_After="30")
        with pytest.raises(JobFailed, match=str(status)) as failed:
            await installed.callback.run(job)

        assert type(failed.value) is JobFailed
        assert failed.value.after is None
        assert len(target.seen) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_says_when_to_come_back(
    status: int, installed: Installed, target: Target
) -> None:
    target.reply(status, Retry_After="30")

    with pytest.raises(JobFailed) as failed:
        await installed.callback.run(event_job(target.url))

    assert failed.value.after == timedelta(seconds=30)


async def test_gone_ends_it(installed: Installed, target: Target) -> None:
    target.reply(410, b"no more")

    with pytest.raises(Bury, match="410") as buried:
        await installed.callback.run(event_job(target.url))

    assert isinstance(buried.value.result, dict)
    assert buried.value.result["body"] == "no more"


async def test_a_silent_receiver_is_left_at_the_commands_deadline(
    installed: Installed, target: Target
) -> None:
    target.silent = True

    with pytest.raises(JobFailed, match=r"within 0\.2 s"):
        await installed.callback.run(event_job(target.url, timeout=0.2))


async def test_the_placeholder_is_the_id_of_the_job_that_is_told_of(
    installed: Installed, target: Target
) -> None:
    await installed.callback.run(event_job(f"{target.url}/__JOBID__?id=__JOBID__"))
    await installed.callback.run(plain_job("http", url=f"{target.url}/get?job=__JOBID__"))

    assert [seen.path for seen in target.seen] == ["/7?id=7", "/get?job=7"]


async def test_a_command_is_sent_as_it_stands(installed: Installed, target: Target) -> None:
    job = plain_job("http", url=f"{target.url}/get?job=done", method="GET")

    installed.callback.check(job.params)
    await installed.callback.run(job)

    [seen] = target.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/get?job=done", b"")
    assert "webhook-id" not in seen.headers
    assert seen.headers["idempotency-key"] == f"{UUID}-9"


async def test_a_program_may_be_a_command(tmp_path: Path) -> None:
    path = script(tmp_path / "a.sh", 'echo "$1"')
    with_program = Installed(programs=(f"{path} **",))
    job = plain_job("exec", cmd=f"{path} __JOBID__")

    with_program.callback.check(job.params)
    result = await with_program.callback.run(job)

    assert isinstance(result, dict)
    assert result["output"] == "7\n"


async def test_a_registered_type_may_be_a_command_and_gets_its_params_untouched(
    installed: Installed,
) -> None:
    installed.registry.register("mail", FunctionHandler(lambda context: dict(context.params)))

    result = await installed.callback.run(plain_job("mail", to="__JOBID__"))

    assert result == {"to": "__JOBID__"}


async def test_a_cancelled_callback_is_stopped(installed: Installed, target: Target) -> None:
    target.silent = True
    job = plain_job("http", url=target.url, timeout=60)
    running = asyncio.ensure_future(installed.callback.run(job))
    await target.arrived.wait()

    job.cancelled.set()

    with pytest.raises(JobFailed, match="cancelled"):
        await running


async def test_what_the_rules_make_of_an_ended_job_is_what_is_understood(
    installed: Installed, target: Target
) -> None:
    told = Callback(on=On.DONE, type="http", params=f'{{"url":"{target.url}/told"}}')
    plain = Callback(
        on=On.DONE, type="http", params=f'{{"url":"{target.url}/plain"}}', report=False
    )
    ended = context({"url": "http://a.test/"}, callbacks=(told, plain)).job

    for follow_up in follow_ups(ended, Outcome(move=Move.ACK, result='{"status":200}')):
        params = decode(follow_up.job.params)
        assert isinstance(params, dict)
        installed.callback.check(params)
        await installed.callback.run(context(params, type="callback"))

    first, second = target.seen
    data = json.loads(first.body)["data"]
    assert (first.path, second.path) == ("/told", "/plain")
    assert (data["id"], data["state"], data["result"]) == (7, "done", {"status": 200})
    assert data["finished_at"] == timestamp(NOW)
    assert data.keys() == json.loads(render.job(ended, ())).keys()
