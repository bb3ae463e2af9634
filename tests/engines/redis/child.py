"""Another process: pushes equal jobs, drains a queue in batches, acks what it got, and prints what came of it.

`python -m … <url> <worker>`; it begins at a line of its standard input. It prints the ids that it pushed and the ids
that it acked, a line each.
"""

import asyncio
import sys

from penstock.conformance.builders import OTHER, claims, job, want
from penstock.engine import Ack
from penstock.engines.redis import RedisEngine

KEYS = 50


async def work(url: str, worker: str) -> None:
    engine = RedisEngine(url)
    await engine.open()
    _say("open")
    await asyncio.to_thread(sys.stdin.readline)
    pushed = [await engine.push([job(queue=OTHER, dedupe_key=str(n))]) for n in range(KEYS)]
    done: list[int] = []
    while given := await claims(engine, want(limit=7), worker=worker):
        held = await engine.ack([Ack(ref=one.ref) for one in given])
        done += [one.job.id for one, was_held in zip(given, held, strict=True) if was_held]
    await engine.close()
    _say(*(one.id for [one] in pushed if not one.deduplicated))
    _say(*done)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
