"""Another process of a federation over two files: `python -m tests.engines.federated.child <what> <folder> …`."""

import asyncio
import sys
from pathlib import Path

from penstock.conformance.builders import MINUTE, QUEUE, job, name_of, want
from penstock.engine import Ack
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.sqlite import SqliteEngine
from tests.engines.sqlite.harness import url_of

WEIGHTS = {"east": 60, "west": 40}


def over_files(folder: Path) -> FederatedEngine:
    """A federation over two files in this folder, as each process makes it for itself."""
    return FederatedEngine(
        [
            Partition(
                name=name, engine=SqliteEngine(url_of(folder / name), number=number), weight=weight
            )
            for number, (name, weight) in enumerate(WEIGHTS.items())
        ]
    )


async def push_equal(engine: FederatedEngine, who: str, count: int) -> None:
    """Push so many jobs that every process pushes, and as many of this one's own."""
    for number in range(count):
        await engine.push([job(f"equal {number}", dedupe_key=str(number)), job(f"{who} {number}")])


async def drain(engine: FederatedEngine, who: str, count: int) -> None:
    """Claim and end jobs, telling their names, until so many have ended in all processes together."""
    while (await engine.counts([QUEUE]))[QUEUE].done < count:
        claimed = await engine.claim([want(limit=7, ttl=MINUTE)], who)
        held = await engine.ack([Ack(ref=claim.ref) for claim in claimed.claims])
        for claim, ended in zip(claimed.claims, held, strict=True):
            sys.stdout.write(f"{name_of(claim)}\n" if ended else f"lost {name_of(claim)}\n")
        sys.stdout.flush()


async def main(what: str, folder: str, who: str, count: str) -> None:
    engine = over_files(Path(folder))
    await engine.open()
    await {"push_equal": push_equal, "drain": drain}[what](engine, who, int(count))
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
