"""Another process on a store: `python -m tests.engines.failures.child <kind> <url> <what> <who>`."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable

from penstock.conformance.builders import HOUR, MANY, QUEUE, TTL, claims, job, root, want
from penstock.engine import Ack, Engine, Registration
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.redis import RedisEngine
from tests.engines.failures.clients import Client

ENGINES: dict[str, Callable[[str], Engine]] = {
    "mariadb": MariadbEngine,
    "postgresql": PostgresqlEngine,
    "redis": RedisEngine,
}
EQUAL = 50
NEWEST = EQUAL - 1


def say(line: object) -> None:
    """Tell the parent."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def told() -> None:
    """The parent has said something, or ended our input."""
    await asyncio.to_thread(sys.stdin.readline)


async def torture(engine: Engine, who: str) -> None:
    """Work until the input ends."""
    client = Client(engine, who, say)
    working = asyncio.ensure_future(client.work())
    await asyncio.wait(
        {working, asyncio.ensure_future(told())}, return_when=asyncio.FIRST_COMPLETED
    )
    client.stop()
    await working


async def drain(engine: Engine, who: str) -> None:
    """Claim and ack all there is, and say the ids."""
    while given := await claims(engine, want(limit=7), worker=who):
        held = await engine.ack([Ack(ref=one.ref) for one in given])
        for one, was_held in zip(given, held, strict=True):
            say(one.job.id if was_held else f"lost {one.job.id}")


async def keep_up(engine: Engine, who: str) -> None:
    """Promote and reclaim by small batches as long as there is something; say how many, and what was handed over."""
    while moved := (await engine.promote(7)).count:
        say(f"promoted {moved}")
    while True:
        reclaimed = await engine.reclaim(7, ttl=HOUR, worker=who)
        say(f"readied {reclaimed.readied}")
        for last in reclaimed.last:
            say(f"last {last.job.id}")
        if not reclaimed.readied and not reclaimed.last:
            return


async def meet(engine: Engine, who: str) -> None:
    """Push, register, pause and resume what every process does, in no order; say the ids of what was stored."""
    for number in random.sample(range(EQUAL), EQUAL):
        [pushed] = await engine.push([job(f"{who} {number}", dedupe_key=str(number))])
        if not pushed.deduplicated:
            say(pushed.id)
        await engine.resume([QUEUE])
        await engine.register([Registration(queue=QUEUE, root=root(number))])
        await engine.pause([QUEUE])


async def die_with_claims(engine: Engine, who: str) -> None:
    """Claim all there is, say so, and be killed."""
    given = await claims(engine, want(limit=MANY, ttl=TTL), worker=who)
    say(len(given))
    os.kill(os.getpid(), signal.SIGKILL)


WORK: dict[str, Callable[[Engine, str], Awaitable[None]]] = {
    "torture": torture,
    "drain": drain,
    "keep_up": keep_up,
    "meet": meet,
    "die_with_claims": die_with_claims,
}


async def main(kind: str, url: str, what: str, who: str) -> None:
    """Open the store, begin when the parent says so, and close it."""
    engine = ENGINES[kind](url)
    await engine.open()
    say("open")
    await told()
    await WORK[what](engine, who)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
