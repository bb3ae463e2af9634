"""The ends of jobs, with what follows them in the same commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.engine import Ack, Bury, Cancel, CancelAnswer
from penstock.engines.mariadb.database import Adrift
from penstock.engines.mariadb.moves import push
from penstock.engines.mariadb.moves.claim import BEGIN, named, naming
from penstock.engines.mariadb.moves.plan import Known, Plan, add
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Row, Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.texts import storable
from penstock.engines.mariadb.times import duration
from penstock.job import ClaimRef, JobId, NewJob, State

End = Ack | Bury | Cancel
Places = Mapping[int, End]


def ack(session: Session, ends: Sequence[Ack], numbers: Numbers) -> Sequence[bool]:
    """The jobs that are held end done."""
    places = {end.ref: place for place, end in reversed(list(enumerate(ends)))}
    held = _end(session, "ack", ends, places, State.DONE, numbers)
    return [place in held for place in range(len(ends))]


def bury(session: Session, ends: Sequence[Bury], numbers: Numbers) -> Sequence[bool]:
    """The jobs that are held end dead."""
    places = {end.ref: place for place, end in reversed(list(enumerate(ends)))}
    held = _end(session, "bury", ends, places, State.DEAD, numbers)
    return [place in held for place in range(len(ends))]


def _end(
    session: Session,
    verb: str,
    ends: Sequence[Ack | Bury],
    places: Mapping[ClaimRef, int],
    state: State,
    numbers: Numbers,
) -> set[int]:
    """The places of the ends that came to be: of a claim that is named twice, the first."""
    if not ends:
        return set()
    first = {place: ends[place] for place in places.values()}
    follow_ups = [each.job for end in first.values() for each in end.follow_ups]
    known = push.look_up(session, follow_ups, numbers)
    opening = [
        *BEGIN,
        *_naming(first, places, state),
        call("look.claims", given_back=0),
        call(verb),
    ]
    if not follow_ups:
        [rows] = session.run(*opening, *_ending(first), call("transaction.commit"))
        return {place for [place] in rows}
    [rows] = session.run(*opening)
    held = {place: first[place] for [place] in rows}
    readies = _follow(session, held, {place: ref.id for ref, place in places.items()}, known)
    session.run(*_ending(held), *push.closing(readies))
    return set(held)


def _naming(ends: Places, places: Mapping[ClaimRef, int], state: State) -> Sequence[Call]:
    rows = [
        named(
            place,
            ref.id,
            fence=ref.fence,
            keep=duration(ends[place].keep),
            state=_goal(ends[place], state),
        )
        for ref, place in sorted(places.items(), key=lambda item: (item[0].id, item[0].fence))
    ]
    return naming(rows)


def _goal(end: End, state: State) -> str:
    return state.value if duration(end.keep) > 0 else "deleted"


def _ending(ends: Places) -> Sequence[Call]:
    """The claims in `moving` have ended."""
    return [call("enter.finished"), call("leave.claimed"), *_said(ends), call("transaction.tally")]


def _said(ends: Places) -> Sequence[Call]:
    """What is said of the jobs in `moving` is kept, and nothing of those that nobody keeps."""
    errors: list[Values] = []
    results: list[Values] = []
    for place, end in ends.items():
        if not isinstance(end, Ack) and end.error is not None:
            errors.append({"place": place, "error": storable(end.error)})
        if end.result is not None:
            results.append({"place": place, "result": end.result})
    calls = []
    if errors:
        calls.append(call_each("enter.last_error", errors))
    if results:
        calls.append(call_each("enter.result", results))
    if any(duration(end.keep) <= 0 for end in ends.values()):
        calls.append(call("leave.store"))
    return calls


def _follow(session: Session, ends: Places, ids: Mapping[int, JobId], known: Known) -> bool:
    """Whether a job became ready; the follow-ups of these ends are pushed, and each job lists its own."""
    following = [(place, each) for place, end in sorted(ends.items()) for each in end.follow_ups]
    if not following:
        return False
    plan = Plan(known)
    for _, end in sorted(ends.items()):
        add(plan, [each.job for each in end.follow_ups])
    pushed = push.store(session, plan, (), lambda _: ())
    rows: list[Values] = [
        {"parent": ids[place], "place": number, "ending": each.on.value, "id": pushed[number].id}
        for number, (place, each) in enumerate(following)
        if duration(ends[place].keep) > 0 and not pushed[number].conflict
    ]
    if rows:
        session.run(call_each("enter.follow_ups", rows))
    return True


@dataclass(slots=True)
class _Found:
    """A job that a cancel names, as it stands."""

    id: JobId
    fence: int
    was: str
    asked: bool = False  # by this call
    ending: int | None = None  # the place of the cancel that ends it


def cancel(session: Session, cancels: Sequence[Cancel], numbers: Numbers) -> Sequence[CancelAnswer]:
    """The jobs end cancelled, or their holders are asked."""
    if not cancels:
        return []
    known = push.look_up(session, _follow_ups(cancels), numbers)
    session.run(*BEGIN)
    answers: list[CancelAnswer] = []
    readies = False
    for turn in _turns(cancels):
        start = len(answers)
        these = dict(enumerate(turn, start))
        found = _look(session, these)
        answers += [_judge(place, end, found.get(end.id)) for place, end in these.items()]
        readies = _cancel(session, these, list(found.values()), known) or readies
    session.run(*push.closing(readies))
    return answers


def _follow_ups(cancels: Sequence[Cancel]) -> list[NewJob]:
    return [each.job for end in cancels for each in end.follow_ups]


def _turns(cancels: Sequence[Cancel]) -> list[list[Cancel]]:
    """The cancels that may go together: up to one that has a follow-up with a key.

    Its twin may be among the jobs that are cancelled after it, and must still wait when the follow-up is pushed.
    """
    turns: list[list[Cancel]] = [[]]
    for end in cancels:
        turns[-1].append(end)
        if any(each.job.dedupe_key is not None for each in end.follow_ups):
            turns.append([])
    return [turn for turn in turns if turn]


def _look(session: Session, ends: Mapping[int, Cancel]) -> Mapping[JobId, _Found]:
    """The jobs that can be cancelled, locked where they stand."""
    ids = sorted({end.id for end in ends.values()})
    found, adrift = session.run(
        call("transaction.empty"),
        call("transaction.empty_named"),
        *naming([named(place, id) for place, id in enumerate(ids)]),
        call("look.scheduled"),
        call("look.ready"),
        call("look.claimed"),
        call("look.found"),
        call("cancel.adrift"),
    )
    if adrift:
        raise Adrift
    return {row[1]: _found(row) for row in found}


def _found(row: Row) -> _Found:
    _, id, fence, _, was = row
    return _Found(id, fence, was)


def _judge(place: int, end: Cancel, job: _Found | None) -> CancelAnswer:
    """The answer to one cancel, after those before it."""
    if job is None or job.ending is not None:
        return CancelAnswer.REFUSED
    is_claimed = job.was == State.CLAIMED.value
    if end.fence is not None and not (is_claimed and end.fence == job.fence):
        return CancelAnswer.REFUSED
    if end.fence is None and is_claimed:
        job.asked = True
        return CancelAnswer.ASKED
    job.ending = place
    return CancelAnswer.CANCELLED


def _cancel(
    session: Session, ends: Mapping[int, Cancel], jobs: Sequence[_Found], known: Known
) -> bool:
    """Whether a job became ready; those that are to end have ended, the holders of the others are asked."""
    ending = {job.ending: job for job in jobs if job.ending is not None}
    asking: list[Values] = [{"id": job.id} for job in jobs if job.asked and job.ending is None]
    calls = [call_each("cancel.ask", asking)] if asking else []
    if not ending:
        if calls:
            session.run(*calls)
        return False
    last = {place: ends[place] for place in ending}
    rows = [
        named(
            place,
            job.id,
            keep=duration(last[place].keep),
            state=_goal(last[place], State.CANCELLED),
            asked=job.asked,
        )
        for place, job in ending.items()
    ]
    session.run(
        *calls,
        call("transaction.empty_named"),
        *naming(rows),
        call("look.others_stay"),
        call("look.goals"),
        call("enter.finished"),
        call("leave.claimed"),
        call("leave.scheduled"),
        call("leave.ready"),
        call("leave.twin"),
        call("cancel.unsay"),
        *_said(last),
        call("transaction.tally"),
    )
    return _follow(session, last, {place: job.id for place, job in ending.items()}, known)
