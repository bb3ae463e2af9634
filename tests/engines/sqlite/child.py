"""Another process on the store: run as `python -m tests.engines.sqlite.child <what> <file> ...`."""

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from penstock.conformance.builders import HOUR, MINUTE, QUEUE, SOON, job, name_of, push, want
from penstock.engine import Ack
from penstock.engines.sqlite import SqliteEngine
from penstock.job import Presence
from penstock.serialization import encode
from tests.engines.failures.acts import ACTS
from tests.engines.sqlite.harness import url_of

FILLER = "filler"


def say(line: str) -> None:
    """Tell the parent."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def die_at(path: Path, point: str) -> None:
    """Do what the point's verb does, and be killed there."""

    def reached(here: str) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = SqliteEngine(url_of(path), crash_points=reached)
    await engine.open()
    await ACTS[point.partition(".")[0]](engine)


async def push_forever(path: Path) -> None:
    """Push from many tasks at once and say each id that was answered."""
    engine = SqliteEngine(url_of(path))
    await engine.open()

    async def push() -> None:
        while True:
            [pushed] = await engine.push([job("a")])
            say(str(pushed.id))

    await asyncio.gather(*(push() for _ in range(8)))


async def push_many(path: Path, prefix: str, count: int) -> None:
    """Push so many jobs, by tens and named after this process."""
    engine = SqliteEngine(url_of(path))
    await engine.open()
    for first in range(0, count, 10):
        await engine.push([job(f"{prefix} {n}") for n in range(first, first + 10)])
    await engine.close()


async def drain(path: Path, worker: str, total: int) -> None:
    """Claim and ack until so many jobs are done in all; say the name of each that was acked here."""
    engine = SqliteEngine(url_of(path))
    await engine.open()
    while (await engine.counts([QUEUE]))[QUEUE].done < total:
        claims = (await engine.claim([want(limit=7, ttl=HOUR)], worker)).claims
        held = await engine.ack([Ack(ref=claim.ref) for claim in claims])
        for claim, kept in zip(claims, held, strict=True):
            say(name_of(claim) if kept else f"lost {claim.ref}")
        if not claims:
            await engine.wait(MINUTE / 1000)
    await engine.close()


async def push_when_told(path: Path) -> None:
    """Say that the store is open; push one job for each line of the input."""
    engine = SqliteEngine(url_of(path))
    await engine.open()
    say("open")
    while await asyncio.to_thread(sys.stdin.readline):
        await engine.push([job("told")])
    await engine.close()


async def just_open(path: Path) -> None:
    """Open the store at the same moment as others: when the input ends. Say its uuid."""
    say("ready")
    await asyncio.to_thread(sys.stdin.read)
    engine = SqliteEngine(url_of(path))
    await engine.open()
    say(engine.identity.uuid)
    await engine.close()


async def fill(directory: Path) -> None:
    """On a tiny disk: leave room for an ack and not for a large push beside it, then for nothing, then for all."""
    gate = threading.Event()
    engine = SqliteEngine(
        url_of(directory / "tiny.db"),
        crash_points=lambda point: wait_at(point, gate),
    )
    await engine.open()
    [held] = await engine.claim_ids(await push(engine, job()), ttl=HOUR, worker="w")
    large = job(params=encode({"text": "x" * 500_000}))
    leave(directory, 200_000)
    asked = [
        asyncio.create_task(engine.announce(Presence(worker="w", slots=1), HOUR)),
        asyncio.create_task(engine.push([large])),
        asyncio.create_task(engine.ack([Ack(ref=held.ref)])),
    ]
    await asyncio.sleep(0)
    gate.set()
    _, pushed, acked = await asyncio.gather(*asked, return_exceptions=True)
    say(f"push {type(pushed).__name__}, ack {acked}")
    leave(directory, 0)
    [nothing] = await asyncio.gather(engine.push([large]), return_exceptions=True)
    say(f"nothing left {type(nothing).__name__}, {(await engine.counts([QUEUE]))[QUEUE].done} done")
    (directory / FILLER).unlink()
    say(f"room again {[pushed.id for pushed in await engine.push([large])]}")
    await engine.close()
    connection = sqlite3.connect(directory / "tiny.db")
    [(found,)] = connection.execute("pragma integrity_check").fetchall()
    connection.close()
    say(f"integrity {found}")


def wait_at(point: str, gate: threading.Event) -> None:
    """The writer stands until the gate is open, so that whatever is asked for meanwhile shares a commit."""
    if point == "announce.before_commit":
        gate.wait(SOON)


def leave(directory: Path, size: int) -> None:
    """So many bytes are free on the disk of this directory."""
    disk = os.statvfs(directory)
    with (directory / FILLER).open("ab") as file:
        file.write(b"x" * (disk.f_bavail * disk.f_bsize - size))


def main(what: str, path: Path, *values: str) -> None:
    """Do what is asked for."""
    match what:
        case "die_at":
            asyncio.run(die_at(path, values[0]))
        case "push_forever":
            asyncio.run(push_forever(path))
        case "push_many":
            asyncio.run(push_many(path, values[0], int(values[1])))
        case "drain":
            asyncio.run(drain(path, values[0], int(values[1])))
        case "push_when_told":
            asyncio.run(push_when_told(path))
        case "fill":
            asyncio.run(fill(path))
        case "just_open":
            asyncio.run(just_open(path))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
