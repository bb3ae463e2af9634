"""Jobs, claims and queues as the arrays that the statements take: one array a field."""

from collections.abc import Iterable, Mapping, Sequence

from penstock.engine import (
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    Ack,
    Bury,
    Cancel,
    Registration,
    Stamp,
    Want,
)
from penstock.job import ClaimRef, NewJob, QueueKey, dump_details

Parameters = Mapping[str, object]


def of_jobs(jobs: Sequence[NewJob]) -> Parameters:
    """The jobs to push."""
    roots = [job.root for job in jobs]
    keys = [job.idempotency for job in jobs]
    return {
        **of_queues([job.queue for job in jobs]),
        "params": [job.params for job in jobs],
        "details": [dump_details(job.details) for job in jobs],
        "priorities": [job.priority for job in jobs],
        "delays": [job.delay for job in jobs],
        "run_ats": [job.run_at for job in jobs],
        "dedupe_keys": [job.dedupe_key for job in jobs],
        "root_signatures": [root and root.signature for root in roots],
        "root_timestamps": [root and root.timestamp for root in roots],
        "max_attempts": [job.max_attempts for job in jobs],
        "deliveries": [job.delivery for job in jobs],
        "idempotency_keys": [key and key.key for key in keys],
        "items": [key and key.item for key in keys],
        "fingerprints": [key and key.fingerprint for key in keys],
        "root_memory": ROOT_MEMORY,
        "idempotency_memory": IDEMPOTENCY_MEMORY,
    }


def of_registrations(registrations: Sequence[Registration]) -> Parameters:
    """The roots to register."""
    return {
        **of_queues(each.queue for each in registrations),
        "signatures": [each.root.signature for each in registrations],
        "timestamps": [each.root.timestamp for each in registrations],
        "root_memory": ROOT_MEMORY,
    }


def of_wants(wants: Sequence[Want]) -> Parameters:
    """The wants of a claim."""
    return {
        **of_queues([want.queue for want in wants]),
        "limits": [want.limit for want in wants],
        "ttls": [want.ttl for want in wants],
        "orders": [want.order for want in wants],
        "floors": [want.floor for want in wants],
        "keeps": [want.keep for want in wants],
    }


def of_ends(ends: Sequence[Ack | Bury | Cancel]) -> Parameters:
    """What is left of jobs that end, and what follows them; `parents` are the places of the ends, from 1."""
    follow_ups = [
        (place, each) for place, end in enumerate(ends, start=1) for each in end.follow_ups
    ]
    return {
        **of_jobs([each.job for _, each in follow_ups]),
        "parents": [place for place, _ in follow_ups],
        "ons": [each.on for _, each in follow_ups],
        "results": [end.result for end in ends],
        "keeps": [end.keep for end in ends],
    }


def of_stamps(stamps: Sequence[Stamp]) -> Parameters:
    """The stamps on jobs of each type."""
    return {
        "types": [stamp.type for stamp in stamps],
        "stores": [stamp.store for stamp in stamps],
        "max_attempts": [stamp.max_attempts for stamp in stamps],
        "deliveries": [stamp.delivery for stamp in stamps],
    }


def of_claims(refs: Iterable[ClaimRef]) -> Parameters:
    """The claims by name."""
    named = list(refs)
    return {"ids": [ref.id for ref in named], "fences": [ref.fence for ref in named]}


def of_queues(queues: Iterable[QueueKey]) -> Parameters:
    """The queues by name."""
    named = list(queues)
    return {"domains": [queue.domain for queue in named], "types": [queue.type for queue in named]}


def storable(text: str | None) -> str | None:
    """The text without what a server that speaks UTF-8 refuses: NUL, and halves of surrogate pairs."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
