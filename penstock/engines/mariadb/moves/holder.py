"""What the holder of a claim may do without ending the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from penstock.engine import Held, Release, Renew, Retry
from penstock.engines.mariadb.moves import push
from penstock.engines.mariadb.moves.claim import BEGIN, named, naming
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.texts import storable
from penstock.engines.mariadb.times import duration
from penstock.job import ClaimRef


def renew(session: Session, renewals: Sequence[Renew]) -> Sequence[Held]:
    """The claims that are held go on; of one that is named twice the last word on each counts."""
    last: dict[ClaimRef, Renew] = {}
    for each in renewals:
        before = last.get(each.ref, each)
        ttl = before.ttl if each.ttl is None else each.ttl
        last[each.ref] = replace(each, ttl=ttl, progress=each.progress or before.progress)
    refs = sorted(last, key=lambda ref: (ref.id, ref.fence))
    if not refs:
        return []
    rows = [
        named(place, ref.id, fence=ref.fence, span=_span(last[ref].ttl))
        for place, ref in enumerate(refs)
    ]
    said: list[Values] = [
        {"place": place, "percent": progress.percent, "message": storable(progress.message)}
        for place, ref in enumerate(refs)
        if (progress := last[ref].progress) is not None
    ]
    [found] = session.run(
        *BEGIN,
        *naming(rows),
        call("renew.hold"),
        call("renew.until"),
        *([call_each("renew.progress", said)] if said else []),
        call("transaction.commit"),
    )
    held = {refs[place]: _how_held(asked) for place, asked in found}
    return [held.get(each.ref, Held.LOST) for each in renewals]


def retry(session: Session, retries: Sequence[Retry]) -> Sequence[Held]:
    """The jobs wait again, with the error kept."""
    return _give_back(session, [_Back(each.ref, each.after, each.error) for each in retries])


def release(session: Session, releases: Sequence[Release]) -> Sequence[Held]:
    """The jobs wait again, the attempt given back."""
    return _give_back(session, [_Back(each.ref, each.after, None) for each in releases])


@dataclass(frozen=True, slots=True)
class _Back:
    """A claim that is given back; without an error its attempt is not counted."""

    ref: ClaimRef
    after: timedelta
    error: str | None


def _give_back(session: Session, backs: Sequence[_Back]) -> Sequence[Held]:
    if not backs:
        return []
    verb, given_back = ("release", 1) if backs[0].error is None else ("retry", 0)
    first = {back.ref: place for place, back in reversed(list(enumerate(backs)))}
    readies = any(duration(back.after) <= 0 for back in backs)
    [found] = session.run(
        *BEGIN,
        *_naming(backs, first),
        call("look.claims", given_back=given_back),
        call(f"{verb}.held"),
        call(f"{verb}.keep_asked"),
        call("enter.ready"),
        call("enter.scheduled"),
        *_errors(backs, first),
        call("leave.claimed"),
        call("leave.progress"),
        call("transaction.tally"),
        *push.closing(readies),
    )
    answers = {place: _how_held(asked) for place, asked in found}
    return [_answer(place, back, first, answers) for place, back in enumerate(backs)]


def _naming(backs: Sequence[_Back], first: Mapping[ClaimRef, int]) -> Sequence[Call]:
    rows = []
    for ref in sorted(first, key=lambda ref: (ref.id, ref.fence)):
        after = duration(backs[first[ref]].after)
        state = "scheduled" if after > 0 else "ready"
        rows.append(named(first[ref], ref.id, fence=ref.fence, span=after, state=state))
    return naming(rows)


def _errors(backs: Sequence[_Back], first: Mapping[ClaimRef, int]) -> Sequence[Call]:
    said: list[Values] = [
        {"place": place, "error": storable(error)}
        for place in first.values()
        if (error := backs[place].error) is not None
    ]
    return [call_each("enter.last_error", said)] if said else []


def _answer(
    place: int, back: _Back, first: Mapping[ClaimRef, int], answers: Mapping[int, Held]
) -> Held:
    """A claim that is named twice moves where it stands first, and is lost by then."""
    answer = answers.get(first[back.ref], Held.LOST)
    moved_before = answer is Held.HELD and first[back.ref] != place
    return Held.LOST if moved_before else answer


def _how_held(cancel_requested: int) -> Held:
    return Held.CANCEL_ASKED if cancel_requested else Held.HELD


def _span(ttl: timedelta | None) -> int | None:
    return None if ttl is None else duration(ttl)
