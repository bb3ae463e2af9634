"""Two runners on a long backlog, the first jobs first: neither reads it nor comes in the other's way."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from penstock.conformance.builders import job, want
from penstock.engine import Ack
from penstock.engines.mariadb import schema
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.moves import claim, ends, push
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Session
from penstock.job import JobId, Order
from tests.engines.mariadb.harness import sql
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("mariadb"),
]

SHORT, LONG = 500, 30_000
TURNS = 25
BATCH = 10


class Runner:
    """A session that claims and acks."""

    def __init__(self, url: str) -> None:
        self.session = Session(address_of(url))
        self.session.prepare()
        self.numbers = Numbers()
        self.done: list[JobId] = []

    def work(self) -> int:
        """Some turns, none of which anybody undoes; how many rows they have read."""
        before = self._rows_read()
        wants = [want(limit=BATCH, order=Order.FIFO)]
        for _ in range(TURNS):
            held = claim.claim(self.session, wants, "w", self.numbers).claims
            ends.ack(self.session, [Ack(ref=one.ref) for one in held], self.numbers)
            self.done += [one.job.id for one in held]
        return self._rows_read() - before

    def _rows_read(self) -> int:
        with self.session._driver.cursor() as cursor:
            cursor.execute(sql("rows_read").replace("%%", "%"))
            [[count]] = cursor.fetchall()
            return int(count)


@pytest.fixture
def runners(mariadb_server: Server) -> Iterator[list[Runner]]:
    with mariadb_server.database() as url:
        made = [Runner(url), Runner(url)]
        schema.migrate(made[0].session)
        schema.identify(made[0].session, 0)
        yield made
        for each in made:
            each.session.close()


def fill(runner: Runner, count: int) -> None:
    for start in range(0, count, 1000):
        new = [job(priority=number % 1000) for number in range(start, min(start + 1000, count))]
        push.push(runner.session, new, runner.numbers)


async def rows_read(runners: list[Runner]) -> int:
    return sum(await asyncio.gather(*(asyncio.to_thread(each.work) for each in runners)))


async def test_two_runners_on_a_long_backlog(runners: list[Runner]) -> None:
    fill(runners[0], 2 * TURNS * BATCH + SHORT)
    few = await rows_read(runners)
    fill(runners[0], LONG)
    many = await rows_read(runners)

    done = Counter(id for each in runners for id in each.done)
    assert len(done) == 4 * TURNS * BATCH
    assert set(done.values()) == {1}
    assert set(done) == set(range(1, len(done) + 1)), "not the first ones first"
    assert many < 1.5 * few, f"{many} rows of a long backlog, {few} of a short one"
