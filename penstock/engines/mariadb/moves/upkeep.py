"""What happens to jobs because time has passed."""

from datetime import timedelta

from penstock.engine import Promoted, Reclaimed
from penstock.engines.mariadb.moves.claim import BEGIN
from penstock.engines.mariadb.rows import claims_of
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import call
from penstock.engines.mariadb.times import duration, span


def reclaim(session: Session, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
    """Expired claims are taken from their holders."""
    [[readied]], claims = session.run(
        *BEGIN,
        call("reclaim.expired", most=limit),
        call("reclaim.judge"),
        call("reclaim.lost"),
        call("enter.ready"),
        call("reclaim.hand_over", worker=worker, ttl=duration(ttl)),
        call("leave.claimed"),
        call("leave.progress"),
        call("transaction.tally"),
        call("reclaim.readied"),
        call("enter.claims"),
        call("transaction.wake_if_ready"),
        call("transaction.commit"),
    )
    return Reclaimed(readied, claims_of(claims, worker))


def promote(session: Session, limit: int) -> Promoted:
    """Scheduled jobs are ready whose time has come."""
    [[count]], next = session.run(
        *BEGIN,
        call("promote.due", most=limit),
        call("enter.ready"),
        call("leave.scheduled"),
        call("transaction.tally"),
        call("promote.count"),
        call("promote.next"),
        call("transaction.wake_if_ready"),
        call("transaction.commit"),
    )
    return Promoted(count, span(max(next[0][0], 0)) if next else None)


def purge(session: Session, limit: int) -> int:
    """What was kept long enough is gone; so is what was remembered long enough."""
    [[[count]]] = session.run(
        *BEGIN,
        call("purge.old", most=limit),
        call("leave.finished"),
        call("leave.store"),
        call("transaction.tally"),
        call("purge.count"),
        call("transaction.commit"),
        call("purge.roots", most=limit),
        call("purge.keys", most=limit),
        call("purge.presences"),
    )
    return int(count)
