"""Which callbacks are taken."""

from datetime import timedelta

import pytest

from penstock.errors import BadJob, Bury, NotAllowed, SettingsError, UnknownType
from penstock.serialization import JSONObject
from tests.commands.callbacks import SECRET, Installed, event_job, plain_job
from tests.commands.targets import Target


def test_a_secret_that_is_none_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="secrets"):
        Installed("whsec_short")


async def test_a_private_receiver_is_refused_at_the_push_and_at_the_run(
    target: Target,
) -> None:
    closed = Installed(SECRET)
    job = event_job("http://10.0.0.1/")

    with pytest.raises(NotAllowed, match="allow_private"):
        closed.callback.check(job.params)
    with pytest.raises(Bury, match="allow_private"):
        await closed.callback.run(job)
    await closed.http.close()


HTTP: JSONObject = {"type": "http", "params": {"url": "http://a.test/"}}


JOB: JSONObject = {"id": 7}


WRONG: list[tuple[JSONObject, str]] = [
    ({"command": HTTP, "event": None}, "job_id"),
    ({"job_id": "7", "command": HTTP, "event": None}, "job_id"),
    ({"job_id": True, "command": HTTP, "event": None}, "job_id"),
    ({"job_id": 7, "event": None}, "command.type"),
    ({"job_id": 7, "command": "http", "event": None}, "command"),
    ({"job_id": 7, "command": {"type": 5}, "event": None}, "command.type"),
    ({"job_id": 7, "command": {"type": "http", "params": []}, "event": None}, "command.params"),
    ({"job_id": 7, "command": {**HTTP, "x": 1}, "event": None}, "command.x"),
    ({"job_id": 7, "command": {"type": "callback", "params": {}}, "event": None}, "command.type"),
    ({"job_id": 7, "command": {"type": "nope", "params": {}}, "event": None}, "command.type"),
    ({"job_id": 7, "command": {"type": "http", "params": {}}, "event": None}, "command.params.url"),
    ({"job_id": 7, "command": HTTP, "event": "job.lost", "job": JOB}, "event"),
    ({"job_id": 7, "command": HTTP, "event": ["job.done"], "job": JOB}, "event"),
    ({"job_id": 7, "command": HTTP, "event": "job.done"}, "job"),
    ({"job_id": 7, "command": HTTP, "event": "job.done", "job": []}, "job"),
    ({"job_id": 7, "command": HTTP, "event": None, "extra": 1}, "extra"),
    (
        {"job_id": 7, "command": {"type": "exec", "params": {}}, "event": "job.done", "job": JOB},
        "command.type",
    ),
    (
        {
            "job_id": 7,
            "command": {"type": "http", "params": {"url": "http://a.test/", "json": {}}},
            "event": "job.done",
            "job": JOB,
        },
        "command.params.json",
    ),
]


@pytest.mark.parametrize(("params", "field"), WRONG)
def test_a_wrong_field_is_refused_by_name(params: JSONObject, field: str) -> None:
    with pytest.raises(BadJob) as refused:
        Installed().callback.check(params)

    assert field in {error.field for error in refused.value.errors}


def test_a_program_cannot_be_told_an_event_and_the_way_out_is_named() -> None:
    job = event_job("http://a.test/")
    params: JSONObject = {**job.params, "command": {"type": "exec", "params": {"cmd": "/bin/x"}}}

    with pytest.raises(BadJob, match="callback_done"):
        Installed().callback.check(params)


def test_an_unknown_type_is_told_as_such() -> None:
    with pytest.raises(UnknownType, match="nope"):
        Installed().callback.check(plain_job("nope").params)


def test_it_may_run_as_long_as_its_command() -> None:
    callback = Installed().callback

    assert callback.timeout(event_job("http://a.test/", timeout=3).params) == timedelta(seconds=5)
    assert callback.timeout(plain_job("http", url="http://a.test/").params) == timedelta(seconds=12)
    assert callback.timeout(plain_job("exec", cmd="x").params) == timedelta(seconds=65)
