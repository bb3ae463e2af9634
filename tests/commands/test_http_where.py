"""Where http commands go: the placeholder, and targets in private networks."""

import pytest

from penstock.commands.http import HttpCommand
from penstock.errors import BadJob, Bury, NotAllowed
from penstock.job import JobId
from penstock.serialization import JSONObject
from tests.commands.jobs import context, http_command
from tests.commands.names import Names
from tests.commands.targets import Canary, Target


async def test_a_redirect_inside_ends_the_job(target: Target, canary: Canary) -> None:
    http = http_command("a.test", resolver=Names({"a.test": ["127.0.0.1"]}))
    target.reply(302, Location=f"http://127.0.0.1:{canary.port}/")

    with pytest.raises(Bury, match="allow_private"):
        await http.run(context({"url": f"http://a.test:{target.port}/", "follow_redirects": True}))

    assert await canary.visits() == 0
    await http.close()


async def test_the_placeholder_is_the_id_wherever_it_may_stand(
    http: HttpCommand, target: Target
) -> None:
    where = f"{target.url}/jobs/__JOBID__/x?id=__JOBID____JOBID__"

    await http.run(context({"url": where, "params": {"a": {"b": ["__JOBID__"]}}}, id=88))
    await http.run(
        context({"url": target.url, "method": "POST", "json": {"i": "__JOBID__"}}, id=88)
    )
    await http.run(context({"url": target.url, "method": "POST", "body": "<__JOBID__>"}, id=88))
    await http.run(context({"url": target.url, "headers": {"X": "__JOBID__"}}, id=88))

    assert target.seen[0].path == "/jobs/88/x?id=8888&a%5Bb%5D%5B0%5D=88"
    assert target.seen[1].body == b'{"i":"88"}'
    assert target.seen[2].body == b"<88>"
    assert target.seen[3].headers["x"] == "__JOBID__"


@pytest.mark.parametrize(
    "url", ["http://__JOBID__.evil.test/", "http://a.test:__JOBID__/", "http://__JOBID__@a.test/"]
)
async def test_the_placeholder_never_says_where_to_go(url: str) -> None:
    names = Names({"7.evil.test": ["127.0.0.1"]})
    http = http_command("127.0.0.0/8", resolver=names)

    with pytest.raises(BadJob):
        http.check({"url": url})
    with pytest.raises(BadJob):
        await http.run(context({"url": url}))
    assert names.asked == []


def test_what_holds_no_placeholder_is_not_walked_through() -> None:
    params: JSONObject = {"url": "http://a.test/x", "json": [[1]] * 1000}

    assert http_command().fill(params, JobId(5)) is params


def test_a_callback_is_filled_with_the_id_that_it_is_given() -> None:
    filled = http_command().fill(
        {"url": "http://__JOBID__/__JOBID__", "json": ["__JOBID__"]}, JobId(5)
    )

    assert filled == {"url": "http://__JOBID__/5", "json": ["5"]}


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "x.localhost", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"],
)
async def test_a_private_target_is_refused_at_the_push_and_at_the_run(
    host: str, canary: Canary
) -> None:
    http = http_command()
    params: JSONObject = {"url": f"http://{host}:{canary.port}/"}

    with pytest.raises(NotAllowed, match="allow_private") as refused:
        http.check(params)
    with pytest.raises(Bury, match="allow_private"):
        await http.run(context(params))

    assert refused.value.field == "url"
    assert await canary.visits() == 0
    await http.close()


async def test_a_name_is_taken_at_the_push_and_judged_at_the_run(canary: Canary) -> None:
    http = http_command(resolver=Names({"a.test": ["8.8.8.8", "127.0.0.1"]}))
    params: JSONObject = {"url": f"http://a.test:{canary.port}/"}

    http.check(params)
    with pytest.raises(Bury, match=r'allow_private = \["a\.test"\]'):
        await http.run(context(params))

    assert await canary.visits() == 0
    await http.close()


@pytest.mark.parametrize("entry", ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:{port}", "localhost"])
async def test_what_the_settings_let_in_is_reached(entry: str, target: Target) -> None:
    http = http_command(entry.format(port=target.port))
    host = "localhost" if entry == "localhost" else "127.0.0.1"
    params: JSONObject = {"url": f"http://{host}:{target.port}/"}

    http.check(params)
    await http.run(context(params))

    assert len(target.seen) == 1
    await http.close()
