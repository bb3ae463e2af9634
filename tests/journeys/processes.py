"""Whole processes of Penstock, and a target for their requests."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from penstock.serialization import JSON

SOON = 20.0  # seconds after which a journey has failed
LISTENING = re.compile(r"listening on (http://\S+)")
STOPPING = re.compile(r"(stopping)")
WORKING = re.compile(r"working as (\S+)")

CONFIG = """
[stores.main]
url = "sqlite:///penstock.db"
[commands.http]
allow_private = ["127.0.0.0/8"]
[commands.exec]
allow = ["{scripts}/*.sh **"]
[queues.http]
ttl = {ttl}
[runner]
grace = 5
"""


class Running:
    """A process of ours and what it has said."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def says(self, pattern: re.Pattern[str]) -> str:
        """The first group of the first line, from now on, that matches."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SOON):
            async for raw in self.process.stderr:
                self.said.append(raw.decode())
                found = pattern.search(self.said[-1])
                if found:
                    return found[1]
        raise AssertionError(f"ended without saying {pattern.pattern}: {''.join(self.said)}")

    def send(self, number: signal.Signals) -> None:
        """Signal the process."""
        self.process.send_signal(number)

    async def kill(self) -> None:
        """It is gone, without a chance to say anything."""
        self.process.kill()
        await self.process.communicate()

    async def ends(self) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(SOON):
            _, rest = await self.process.communicate()
        self.said.append(rest.decode())
        return await self.process.wait()


@asynccontextmanager
async def python(place: Path, *words: str) -> AsyncIterator[Running]:
    """`python <words>` in this directory; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stderr=PIPE, cwd=place, env=_environment(), limit=2**20
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
        await (
            process.communicate()
        )  # children of a killed parent end by themselves, and with them the pipe


@asynccontextmanager
async def started(config: Path, *words: str) -> AsyncIterator[Running]:
    """`penstock <words>` with this configuration; killed at the end if it still runs."""
    command = ("-m", "penstock.cli", *words, "--config", str(config))
    async with python(config.parent, *command) as running:
        yield running


@asynccontextmanager
async def server(config: Path, *words: str) -> AsyncIterator[tuple[Running, str]]:
    """A server that listens, and its URL."""
    async with started(config, "serve", "--port", "0", *words) as running:
        yield running, await running.says(LISTENING)


@asynccontextmanager
async def worker(config: Path, *words: str) -> AsyncIterator[tuple[Running, str]]:
    """A worker that works, and its name."""
    async with started(config, "worker", *words) as running:
        yield running, await running.says(WORKING)


def configured(place: Path, *, ttl: float = 15, scripts: Path | None = None) -> Path:
    """A configuration file in this directory."""
    config = place / "penstock.toml"
    config.write_text(CONFIG.format(ttl=ttl, scripts=scripts or place))
    return config


class Target:
    """What jobs call: counts the requests, and holds those under /hold until they may go on."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.hold = asyncio.Event()
        self.came: asyncio.Queue[str] = asyncio.Queue()
        self.at: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {}
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        await request.read()
        self.requests.append(request)
        self.came.put_nowait(request.path)
        if request.path in self.at:
            return await self.at[request.path](request)
        if request.path.startswith(("/hold", "/delay")):
            await self.hold.wait()
        status = int(request.query.get("status", "200"))
        return web.json_response({"path": request.path}, status=status)

    async def next(self) -> str:
        """The path of the next request that comes."""
        async with asyncio.timeout(SOON):
            return await self.came.get()

    def paths(self) -> list[str]:
        """The paths of all requests."""
        return [request.path for request in self.requests]


@asynccontextmanager
async def target() -> AsyncIterator[Target]:
    """A target on a free port."""
    made = Target()
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        made.hold.set()
        await runner.cleanup()


async def post(url: str, body: JSON, headers: Mapping[str, str] | None = None) -> tuple[int, JSON]:
    """Status and JSON of a POST."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        return response.status, await response.json(content_type=None)


async def get(url: str) -> dict[str, JSON]:
    """The JSON object of a GET."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        found: dict[str, JSON] = await response.json()
        return found


def number(answer: JSON, name: str) -> int:
    """The number of this name in a JSON object."""
    assert isinstance(answer, Mapping)
    found = answer[name]
    assert isinstance(found, int)
    return found


async def curl(*words: str) -> str:
    """What `curl` prints."""
    process = await asyncio.create_subprocess_exec("curl", "-sS", *words, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(SOON):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
