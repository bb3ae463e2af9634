"""Verbs read about as many rows as they move, however many stand around them, and whatever the server knew of that."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from penstock.conformance.builders import (
    HOUR,
    MINUTE,
    OTHER,
    QUEUE,
    TTL,
    job,
    key,
    root,
    want,
)
from penstock.engine import WHOLE_BATCH, Ack, Bury, Cancel, JobFilter, Release, Renew, Retry
from penstock.engines.mariadb import schema
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.moves import claim, control, ends, holder, push, reading, upkeep
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import call
from penstock.job import ClaimRef, JobId, NewJob, Order, State
from tests.engines.mariadb.harness import sql
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("mariadb"),
]

STANDING = 100_000  # ready jobs of one queue
AROUND = 4_000  # jobs of each other kind
MOVED = 10
ENOUGH = 60 * MOVED  # rows that a verb may read, a few for each job, table and step

Verb = Callable[[Session], object]


class Store:
    """A full store, a session on it, and the jobs that the verbs name, ten a kind and never twice."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.numbers = Numbers()
        self._next = 0

    def push(self, *jobs: NewJob) -> list[JobId]:
        return [JobId(each.id) for each in push.push(self.session, jobs, self.numbers)]

    def waiting(self) -> list[JobId]:
        self._next += MOVED
        return self.push(*(_waiting(AROUND + self._next + number) for number in range(MOVED)))

    def held(self) -> list[ClaimRef]:
        ids = self.waiting()
        return [one.ref for one in claim.claim_ids(self.session, ids, ttl=HOUR, worker="w")]

    def dead(self) -> list[JobId]:
        held = self.held()
        ends.bury(self.session, [Bury(ref=ref, error="boom") for ref in held], self.numbers)
        return [ref.id for ref in held]

    def fill(self) -> None:
        """Nothing was analysed but empty tables; then the jobs came in."""
        self.push(*(_waiting(number) for number in range(AROUND)))
        self.push(*(job(delay=(number + 1) * MINUTE, priority=900) for number in range(AROUND)))
        for _ in range(AROUND // WHOLE_BATCH):
            self.push(*(job(queue=OTHER) for _ in range(WHOLE_BATCH)))
            wants = [want(OTHER, ttl=HOUR)]
            held = claim.claim(self.session, wants, "holder", self.numbers).claims
            ends.ack(self.session, [Ack(ref=one.ref) for one in held[::2]], self.numbers)
        for start in range(0, STANDING, WHOLE_BATCH):
            self.push(*(job(priority=n % 1000) for n in range(start, start + WHOLE_BATCH)))


def _waiting(number: int) -> NewJob:
    return job(
        priority=number % 1000,
        dedupe_key=f"key {number}",
        root=root(number, f"family {number}"),
        idempotency=key(f"push {number}"),
    )


@pytest.fixture(scope="module")
def store(mariadb_server: Server) -> Iterator[Store]:
    with mariadb_server.database() as url:
        session = Session(address_of(url))
        try:
            session.prepare()
            schema.migrate(session)
            schema.identify(session, 0)
            for table in ("job", "ready", "scheduled", "claimed", "finished", "twin", "root"):
                session.execute(f"analyze table {table}")
                session.execute(f"alter table {table} stats_auto_recalc = 0")
            made = Store(session)
            made.fill()
            yield made
        finally:
            session.close()


def rows_read(session: Session) -> int:
    with session._driver.cursor() as cursor:
        cursor.execute(sql("rows_read").replace("%%", "%"))
        [[count]] = cursor.fetchall()
        return int(count)


def read_by(session: Session, verb: Verb) -> int:
    """How many rows the verb read, without those that it takes to ask for it."""
    before = rows_read(session)
    asking = rows_read(session) - before
    verb(session)
    return rows_read(session) - before - 2 * asking


def _claim(order: Order) -> Callable[[Store], Verb]:
    wants = [want(limit=MOVED, order=order)]
    return lambda store: lambda session: claim.claim(session, wants, "w", store.numbers)


def _on_held(
    verb: Callable[[Session, Sequence[ClaimRef], Numbers], object],
) -> Callable[[Store], Verb]:
    def prepared(store: Store) -> Verb:
        held = store.held()
        return lambda session: verb(session, held, store.numbers)

    return prepared


def _on_ids(
    kind: Callable[[Store], Sequence[JobId]],
    verb: Callable[[Session, Sequence[JobId], Numbers], object],
) -> Callable[[Store], Verb]:
    def prepared(store: Store) -> Verb:
        ids = kind(store)
        return lambda session: verb(session, ids, store.numbers)

    return prepared


def _ahead(order: Order) -> Callable[[Store], Verb]:
    return _on_ids(
        Store.waiting, lambda session, ids, _: reading.ahead(session, ids, order, most=MOVED)
    )


def _due(store: Store) -> Verb:
    store.session.run(call("transaction.clock"))
    store.session.execute(sql("due"))
    return lambda session: upkeep.promote(session, MOVED)


def _expired(store: Store) -> Verb:
    store.session.run(call("transaction.clock"))
    store.session.execute(sql("expired"))
    return lambda session: upkeep.reclaim(session, MOVED, ttl=TTL, worker="w")


VERBS: dict[str, Callable[[Store], Verb]] = {
    "push": lambda store: lambda _: store.waiting(),
    "push of duplicates": lambda store: (
        lambda session: push.push(
            session,
            [job(priority=1000, dedupe_key=f"key {n}") for n in range(MOVED)],
            store.numbers,
        )
    ),
    **{f"claim by {order}": _claim(order) for order in Order},
    "claim_ids": _on_ids(
        Store.waiting, lambda session, ids, _: claim.claim_ids(session, ids, ttl=TTL, worker="w")
    ),
    "ack": _on_held(
        lambda session, held, numbers: ends.ack(session, [Ack(ref=ref) for ref in held], numbers)
    ),
    "bury": _on_held(
        lambda session, held, numbers: ends.bury(
            session, [Bury(ref=ref, error="boom") for ref in held], numbers
        )
    ),
    "cancel of claimed": _on_held(
        lambda session, held, numbers: ends.cancel(
            session, [Cancel(id=ref.id, fence=ref.fence) for ref in held], numbers
        )
    ),
    "cancel": _on_ids(
        Store.waiting,
        lambda session, ids, numbers: ends.cancel(session, [Cancel(id=id) for id in ids], numbers),
    ),
    "renew": _on_held(
        lambda session, held, _: holder.renew(session, [Renew(ref=ref, ttl=TTL) for ref in held])
    ),
    "retry": _on_held(
        lambda session, held, _: holder.retry(
            session, [Retry(ref=ref, after=HOUR, error="boom") for ref in held]
        )
    ),
    "release": _on_held(
        lambda session, held, _: holder.release(session, [Release(ref=ref) for ref in held])
    ),
    "reclaim": _expired,
    "promote": _due,
    "purge": lambda _: lambda session: upkeep.purge(session, MOVED),
    "requeue": _on_ids(Store.dead, lambda session, ids, _: control.requeue(session, ids)),
    "delete": _on_ids(Store.waiting, lambda session, ids, _: control.delete(session, ids)),
    "get": _on_ids(Store.dead, lambda session, ids, _: reading.get(session, ids)),
    "list": lambda _: (
        lambda session: reading.list_jobs(session, JobFilter(), limit=MOVED, after=None)
    ),
    "list of a queue": lambda _: (
        lambda session: reading.list_jobs(
            session,
            JobFilter(domain=QUEUE.domain, type=QUEUE.type, state=State.READY),
            limit=MOVED,
            after=None,
        )
    ),
    "ready": lambda _: lambda session: reading.ready(session, ["mail"], None, limit=MOVED),
    **{f"ahead by {order}": _ahead(order) for order in Order},
    "oldest": lambda _: lambda session: reading.oldest(session, [QUEUE, OTHER]),
    "counts": lambda _: lambda session: reading.counts(session, [QUEUE, OTHER]),
    "wait": lambda _: lambda session: session.run(call("wait")),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_reads_what_it_moves(verb: str, store: Store) -> None:
    work = VERBS[verb](store)

    assert 0 < read_by(store.session, work) <= ENOUGH


def test_without_its_index_a_claim_reads_the_backlog(store: Store) -> None:
    store.session.execute("alter table ready drop index by_id, add index by_id (ready_at)")
    try:
        assert read_by(store.session, _claim(Order.FIFO)(store)) > STANDING / 2
    finally:
        store.session.rollback()
