"""Roots: where a family has jobs in several partitions, each knows its newest timestamp."""

from collections.abc import Iterator, Sequence

from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Engine, Pushed, Registration
from penstock.engines.federated.partitions import Partitions
from penstock.job import JobId, NewJob

Known = tuple[JobId, Registration]  # a job in the partition that knows the root, and the root


async def register_elsewhere(partitions: Partitions, known: Sequence[Known]) -> None:
    """The roots are known by all partitions, or noted as missed: who cannot be reached holds nobody up."""
    told: set[str] = set()
    for id, registration in known:
        for name in partitions.names:
            if name != partitions.home(id):
                partitions.missed(name).register([registration])
                told.add(name)
    await partitions.ask(dict.fromkeys(told.intersection(partitions.live), nothing))


def of_pushed(jobs: Sequence[NewJob], answers: dict[int, Pushed]) -> Iterator[Known]:
    """What was registered by a push; a replay and a conflict register nothing."""
    for place, pushed in answers.items():
        root = jobs[place].root
        if root is not None and not pushed.replayed and not pushed.conflict:
            yield pushed.id, Registration(queue=jobs[place].queue, root=root)


def of_ended(
    ends: Sequence[Ack | Bury | Cancel], answers: Sequence[bool | CancelAnswer]
) -> Iterator[Known]:
    """What was registered by follow-ups. Of those with a key nobody tells whether they were replays."""
    for end, answer in zip(ends, answers, strict=True):
        if answer in (True, CancelAnswer.CANCELLED):
            id = end.id if isinstance(end, Cancel) else end.ref.id
            for new in (each.job for each in end.follow_ups):
                if new.root is not None and new.idempotency is None:
                    yield id, Registration(queue=new.queue, root=new.root)


async def nothing(engine: Engine) -> None:
    """The partition is asked only so that it hears what it has missed."""
