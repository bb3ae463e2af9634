"""The sender, over real connections on this machine: where it goes, and what it takes back."""

import pytest

from penstock.errors import NotAllowed
from tests.commands.names import Names
from tests.commands.targets import HERE, Canary, Opener, Target, get, saying


async def test_a_request_arrives_and_its_answer_comes_back(
    sender_of: Opener, target: Target
) -> None:
    target.reply(201, b"made", X_Answer="1")

    answer = await sender_of(HERE).send(get(f"{target.url}/p%41th?q=%2F+", X="y"))

    [seen] = target.seen
    assert (seen.method, seen.path, seen.headers["x"]) == ("GET", "/p%41th?q=%2F+", "y")
    assert (answer.status, answer.headers["x-answer"], answer.body) == (201, "1", b"made")
    assert not answer.truncated


async def test_headers_sent_twice_are_joined(sender_of: Opener) -> None:
    async with saying(b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n") as port:
        answer = await sender_of(HERE).send(get(f"http://127.0.0.1:{port}/"))

    assert answer.headers["a"] == "1, 2"


async def test_nothing_is_kept_from_one_request_to_the_next(
    sender_of: Opener, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = sender_of(HERE)
    target.reply(Set_Cookie="session=1; Path=/")

    await sender.send(get(target.url))
    await sender.send(get(target.url))

    assert "cookie" not in target.seen[1].headers


async def test_proxies_of_the_environment_are_not_asked(
    sender_of: Opener, target: Target, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    monkeypatch.delenv("no_proxy", raising=False)

    answer = await sender_of(HERE).send(get(target.url))

    assert answer.status == 200
    assert await canary.visits() == 0


async def test_a_name_is_resolved_once_and_that_address_is_connected_to(
    sender_of: Opener, target: Target
) -> None:
    names = Names({"a.test": ["127.0.0.1"]})

    await sender_of(HERE, names).send(get(f"http://a.test:{target.port}/"))

    assert names.asked == ["a.test"]
    assert target.seen[0].headers["host"] == f"a.test:{target.port}"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "localhost", "a.localhost", "[::ffff:127.0.0.1]"),
        *("one.test", "mixed.test", "mapped.test", "any.test"),
    ],
)
async def test_a_listener_on_loopback_is_never_reached(
    host: str, sender_of: Opener, canary: Canary
) -> None:
    names = Names(
        {
            "one.test": ["127.0.0.1"],
            "mixed.test": ["8.8.8.8", "127.0.0.1"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "any.test": ["0.0.0.0"],
        }
    )

    with pytest.raises(NotAllowed):
        await sender_of([], names).send(get(f"http://{host}:{canary.port}/"))

    assert await canary.visits() == 0


async def test_a_name_that_turns_inward_between_two_attempts_is_not_followed(
    sender_of: Opener, target: Target, canary: Canary
) -> None:
    names = Names({"a.test": ["127.0.0.1"]})
    sender = sender_of([f"127.0.0.1:{target.port}"], names)
    await sender.send(get(f"http://a.test:{target.port}/"))

    names.answers["a.test"] = ["127.0.0.2"]
    with pytest.raises(NotAllowed):
        await sender.send(get(f"http://a.test:{target.port}/"))
    with pytest.raises(NotAllowed):
        await sender.send(get(f"http://a.test:{canary.port}/"))

    assert len(target.seen) == 1
    assert await canary.visits() == 0


async def test_nothing_is_said_to_a_peer_that_is_not_the_one_allowed(
    sender_of: Opener, canary: Canary
) -> None:
    """Linux connects 0.0.0.0 to 127.0.0.1: the other end is not what was asked for."""
    sender = sender_of(["0.0.0.0"])

    with pytest.raises(NotAllowed):
        await sender.send(get(f"http://0.0.0.0:{canary.port}/"))

    await canary.visits()
    assert canary.received == [b"", b"control"]


async def test_a_redirect_leads_on_where_it_may(sender_of: Opener, target: Target) -> None:
    target.reply(302, Location="/b")
    target.reply(200, b"here")

    answer = await sender_of(HERE).follow(get(f"{target.url}/a"))

    assert [seen.path for seen in target.seen] == ["/a", "/b"]
    assert answer.body == b"here"


async def test_send_follows_nothing(sender_of: Opener, target: Target) -> None:
    target.reply(302, Location="/b")

    answer = await sender_of(HERE).send(get(f"{target.url}/a"))

    assert answer.status == 302
    assert len(target.seen) == 1


async def test_after_three_redirects_it_is_enough(sender_of: Opener, target: Target) -> None:
    for step in range(5):
        target.reply(302, Location=f"/{step}")

    answer = await sender_of(HERE).follow(get(f"{target.url}/start"))

    assert answer.status == 302
    assert [seen.path for seen in target.seen] == ["/start", "/0", "/1", "/2"]


@pytest.mark.parametrize("inside", ["127.0.0.1", "localhost", "b.test", "0.0.0.0"])
async def test_a_redirect_does_not_lead_inside(
    inside: str, sender_of: Opener, target: Target, canary: Canary
) -> None:
    names = Names({"a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"]})
    target.reply(302, Location=f"http://{inside}:{canary.port}/")

    with pytest.raises(NotAllowed):
        await sender_of(["a.test"], names).follow(get(f"http://a.test:{target.port}/"))

    assert len(target.seen) == 1
    assert await canary.visits() == 0


async def test_what_a_command_says_does_not_leave_its_origin(
    sender_of: Opener, target: Target
) -> None:
    names = Names({"a.test": ["127.0.0.1"]})
    target.reply(302, Location=f"http://a.test:{target.port}/")

    await sender_of(HERE, names).follow(get(target.url, Authorization="secret"))

    assert "authorization" in target.seen[0].headers
    assert "authorization" not in target.seen[1].headers


async def test_closing_twice_or_unopened_is_fine(sender_of: Opener, target: Target) -> None:
    sender = sender_of(HERE)
    await sender.close()
    await sender.send(get(target.url))

    await sender.close()
    await sender.close()
