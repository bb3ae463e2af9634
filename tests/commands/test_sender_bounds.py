"""What the sender makes of targets that are slow, endless, broken or strangers."""

import asyncio
import gzip
import socket
import ssl

import pytest
import trustme

from penstock.commands.answer import MAX_BODY
from penstock.commands.sender import MAX_EARLY
from penstock.errors import JobFailed
from penstock.policy import MAX_RESULT
from tests.commands.names import Names
from tests.commands.targets import HERE, Opener, Target, get, saying


@pytest.mark.parametrize("extra", [0, 1, 1000])
async def test_a_long_body_is_read_to_its_bound(
    extra: int, sender_of: Opener, target: Target
) -> None:
    target.reply(200, b"x" * (MAX_BODY + extra))

    answer = await sender_of(HERE).send(get(target.url))

    assert (answer.status, answer.truncated, len(answer.body)) == (200, True, MAX_RESULT)


async def test_an_endless_body_is_cut_and_the_answer_counts(sender_of: Opener) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
    async with saying(head, b"x" * (MAX_BODY + 1), then_hang=True) as port:
        answer = await sender_of(HERE).send(get(f"http://127.0.0.1:{port}/"))

    assert (answer.status, answer.truncated) == (200, True)


async def test_a_packed_body_is_unpacked_and_a_bomb_is_not(
    sender_of: Opener, target: Target
) -> None:
    target.reply(200, gzip.compress(b"hello"), Content_Encoding="gzip")
    target.reply(200, gzip.compress(b"\0" * (16 * MAX_BODY)), Content_Encoding="gzip")
    sender = sender_of(HERE)

    packed, bomb = await sender.send(get(target.url)), await sender.send(get(target.url))

    assert target.seen[0].headers["accept-encoding"] == "gzip"
    assert (packed.body, packed.truncated) == (b"hello", False)
    assert (len(bomb.body), bomb.truncated) == (MAX_RESULT, True)


@pytest.mark.parametrize("early", [b"100 Continue", b"103 Early Hints"])
async def test_some_answers_may_come_before_the_answer(early: bytes, sender_of: Opener) -> None:
    before = b"HTTP/1.1 " + early + b"\r\n\r\n"
    async with saying(before * MAX_EARLY, b"HTTP/1.1 204 x\r\n\r\n") as port:
        answer = await sender_of(HERE).send(get(f"http://127.0.0.1:{port}/"))

    assert answer.status == 204


async def test_a_target_that_only_announces_its_answer_is_left(sender_of: Opener) -> None:
    announced = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    async with saying(announced * (MAX_EARLY + 1), then_hang=True) as port, asyncio.timeout(10):
        with pytest.raises(JobFailed, match="the answer broke off"):
            await sender_of(HERE).send(get(f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ([], "it hung up"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], "the answer broke off"),
        ([b"banana\r\n\r\n"], "what it sent is no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"], "what it sent is no HTTP"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n"], "what it sent is no HTTP"),
    ],
)
async def test_what_is_no_answer_is_a_failure_to_be_retried(
    said: list[bytes], trouble: str, sender_of: Opener
) -> None:
    async with saying(*said) as port:
        with pytest.raises(JobFailed, match=trouble) as failed:
            await sender_of(HERE).send(get(f"http://127.0.0.1:{port}/?secret=1"))

    assert type(failed.value) is JobFailed
    assert f"http://127.0.0.1:{port}" in str(failed.value)
    assert "secret" not in str(failed.value)


async def test_a_closed_port_and_an_unknown_name_are_failures_to_be_retried(
    sender_of: Opener,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sender = sender_of(HERE, Names({"here.test": ["127.0.0.1"]}))

    with pytest.raises(JobFailed, match="Connection refused") as refused:
        await sender.send(get(f"http://here.test:{port}/"))
    with pytest.raises(JobFailed, match="cannot be resolved"):
        await sender.send(get("http://nowhere.test/"))

    assert "127.0.0.1" not in str(refused.value)


async def test_a_target_that_cannot_prove_its_name_is_told_nothing(sender_of: Opener) -> None:
    asked_for, told = [], []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("a.test").configure_cert(tls)
    tls.sni_callback = lambda socket, name, context: asked_for.append(name)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(JobFailed, match="certificate"):
            await sender_of(HERE, Names({"a.test": ["127.0.0.1"]})).send(
                get(f"https://a.test:{port}/")
            )

    assert asked_for == ["a.test"]
    assert told in ([], [b""])


async def test_many_at_once_do_not_wait_for_each_other(sender_of: Opener, target: Target) -> None:
    target.silent = True
    sender = sender_of(HERE)
    async with asyncio.TaskGroup() as tasks:
        going = [tasks.create_task(sender.send(get(target.url))) for _ in range(120)]
        async with asyncio.timeout(20):
            while len(target.seen) < 120:
                target.arrived.clear()
                await target.arrived.wait()
        target.released.set()

    assert [task.result().status for task in going] == [200] * 120
