"""What the queues of a store show: jobs that nobody will run, paused queues, dead jobs, long waits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.engine import Engine
from penstock.examination import About, Finding, advice, ok, wrong
from penstock.job import Counts, Presence, QueueKey

LONG = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """A queue of one store as it stands."""

    key: QueueKey
    counts: Counts
    paused: bool
    oldest: timedelta | None  # how long its first ready job has been ready
    lives_here: bool  # jobs of its type are pushed to this store and claimed from it
    runners: int  # live ones that take its type

    @property
    def waiting(self) -> int:
        """The jobs that are to run."""
        return self.counts.scheduled + self.counts.ready


async def queue_states(
    engine: Engine, runners: Sequence[Presence], lives_here: Callable[[str], bool]
) -> Sequence[QueueState]:
    """All queues that the open store knows."""
    counts, paused = await engine.counts(), await engine.paused()
    oldest = await engine.oldest(list(counts))
    return [
        QueueState(
            key=key,
            counts=counts.get(key, Counts()),
            paused=key in paused,
            oldest=oldest.get(key),
            lives_here=lives_here(key.type),
            runners=sum(key.type in runner.types for runner in runners),
        )
        for key in sorted(counts.keys() | paused)
    ]


def about_runners(runners: Sequence[Presence]) -> Finding:
    """Who runs jobs of the store."""
    slots = sum(runner.slots for runner in runners)
    told = f"{len(runners)} live, with {slots} slots" if runners else "none is live"
    return ok(About.RUNNERS, told)


def about_queue(state: QueueState) -> Iterator[Finding]:
    """What should be looked at or changed; a queue in order is told as a whole."""
    key, counts = state.key, state.counts
    if counts.dead:
        yield advice(
            About.QUEUES,
            f"{key}: {_jobs(counts.dead)} dead",
            f"see why: penstock show-jobs --list --status dead --type {key.type} --domain {key.domain}; "
            "`penstock retry` lets them run again",
        )
    if state.paused:
        yield advice(
            About.QUEUES,
            f"{key} is paused, {_jobs(state.waiting)} waiting",
            f"penstock resume {key.type} --domain {key.domain}",
        )
    elif state.waiting:
        yield from _about_waiting(state)


def _about_waiting(state: QueueState) -> Iterator[Finding]:
    key, told = state.key, f"{state.key}: {_jobs(state.waiting)} waiting"
    if not state.lives_here:
        change = f"let its section name this store again until they are done: [queues.{key.type}]"
        yield wrong(
            About.QUEUES, f"{told}, but jobs of this type live in another store now", change
        )
    elif not state.runners:
        change = (
            f"start one that has a handler for it: penstock worker --app … --type {key.type}, "
            "or penstock serve"
        )
        yield wrong(About.RUNNERS, f"{told}, and no live runner takes them", change)
    elif state.oldest is not None and state.oldest > LONG:
        change = "start more runners, or give them more slots: [runner] slots"
        minutes = state.oldest // timedelta(minutes=1)
        yield advice(About.QUEUES, f"{told}, the oldest ready for {minutes} minutes", change)
    else:
        yield ok(About.QUEUES, told)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"
