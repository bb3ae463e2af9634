"""Another process on the store: run as `python -m tests.engines.sqlite.child <what> <file> ...`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from penstock.conformance.builders import HOUR, MINUTE, QUEUE, job, name_of, want
from penstock.engine import Ack
from penstock.engines.sqlite import SqliteEngine
from tests.engines.sqlite.acts import ACTS
from tests.engines.sqlite.harness import url_of


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
        case "just_open":
            asyncio.run(just_open(path))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
