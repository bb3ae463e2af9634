"""Another process: drains a queue in batches, acks what it got, and prints the ids. `python -m … <url> <worker>`."""

import asyncio
import sys

from penstock.conformance.builders import claims, want
from penstock.engine import Ack
from penstock.engines.mariadb import MariadbEngine


async def drain(url: str, worker: str) -> list[int]:
    engine = MariadbEngine(url)
    await engine.open()
    _say("open")
    await asyncio.to_thread(sys.stdin.readline)
    done: list[int] = []
    while given := await claims(engine, want(limit=7), worker=worker):
        held = await engine.ack([Ack(ref=one.ref) for one in given])
        done += [one.job.id for one, was_held in zip(given, held, strict=True) if was_held]
    await engine.close()
    return done


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(*asyncio.run(drain(*sys.argv[1:])))
