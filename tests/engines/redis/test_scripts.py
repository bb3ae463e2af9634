"""The scripts: whole, one for each verb, and given again to a server that forgot them."""

import asyncio
import re
from importlib.resources import files
from pathlib import Path

import pytest

from penstock.conformance.builders import TTL, assert_conserved, claims, job, push, want
from penstock.engine import Ack, Engine
from penstock.engines.redis.connection import connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.scripts import source
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server

LUA = files("penstock.engines.redis") / "lua"
VERBS = sorted(Path(file.name).stem for file in LUA.iterdir() if file.name.endswith(".lua"))
STEPS = sorted(f"steps/{Path(file.name).stem}" for file in (LUA / "steps").iterdir())
WITHOUT_SCRIPT = {"close", "features", "identity"}


def test_every_verb_of_the_seam_has_its_script() -> None:
    seam = {name for name in vars(Engine) if not name.startswith("_")}

    assert set(VERBS) == seam - WITHOUT_SCRIPT


@pytest.mark.parametrize("verb", VERBS + STEPS)
def test_a_script_holds_each_part_once_and_no_include_is_left(verb: str) -> None:
    text = source(verb)

    assert text.count("unpack(KEYS)") == 1
    assert "-- include:" not in text
    assert len(functions := re.findall(r"^local function (\w+)", text, re.MULTILINE)) == len(
        set(functions)
    )


@pytest.mark.parametrize("verb", VERBS + STEPS)
def test_the_header_of_a_script_says_keys_arguments_and_answer(verb: str) -> None:
    header = (LUA / f"{verb}.lua").read_text().partition("\n\n")[0]

    assert re.search(r"^-- KEYS: .*ARGV: .*^-- Returns ", header, re.DOTALL | re.MULTILINE)


def test_the_scripts_know_the_keys_in_the_order_of_keys_py() -> None:
    [names] = re.findall(r"local ([\w, \n]+) = unpack\(KEYS\)", source("paused"))

    known = [key.removeprefix("{penstock:7}:").rstrip(":") for key in keys(7)]
    assert re.split(r",\s+", names.lower()) == known


def test_no_script_names_a_key_by_itself() -> None:
    texts = [file.read_text() for file in LUA.iterdir() if file.name.endswith(".lua")]

    assert not [text for text in texts if "penstock:" in text]


@pytest.mark.server
@pytest.mark.parametrize("verb", VERBS + STEPS)
async def test_the_server_can_compile_the_script(verb: str, redis_server: Server) -> None:
    client = connect(redis_server.url)

    try:
        assert await client.script_load(source(verb))
    finally:
        await client.aclose()


@pytest.mark.server
async def test_a_server_that_forgot_the_scripts_is_given_them_again(harness: RedisHarness) -> None:
    engine = harness.engine

    for name in ("a", "b"):
        await harness.stranger.script_flush()
        [id] = await push(engine, job(name))
        await harness.stranger.script_flush()
        [held] = (await engine.claim([want(ttl=TTL)], "w")).claims
        await harness.stranger.script_flush()
        assert await engine.ack([Ack(ref=held.ref)]) == [True]
        assert held.job.id == id


@pytest.mark.server
async def test_scripts_that_are_forgotten_all_the_time_run_all_the_same(
    harness: RedisHarness,
) -> None:
    one, two = harness.engine, await harness.second()

    async def forget() -> None:
        for _ in range(50):
            await harness.stranger.script_flush()

    async def work(engine: Engine) -> int:
        await push(engine, *(job() for _ in range(5)))
        held = [claim for _ in range(20) for claim in await claims(engine, want(limit=1))]
        assert all(await engine.ack([Ack(ref=claim.ref) for claim in held]))
        return len(held)

    done, more, *_ = await asyncio.gather(work(one), work(two), forget(), forget())

    assert done + more == 10
    await assert_conserved(one)
