"""How far clocks are apart."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from penstock.doctor.report import Told
from penstock.examination import About, Finding, advice, ok

FAR = timedelta(seconds=1)
CHANGE = "let a time service (NTP) set the clocks of all hosts"


def against_host(ahead: timedelta) -> Finding:
    """The clock of a store beside that of this host."""
    if not ahead:
        return ok(About.CLOCK, "agrees with this host's")
    told = f"is {_milliseconds(ahead)} {'before' if ahead > timedelta(0) else 'behind'} this host's"
    return advice(About.CLOCK, told, CHANGE) if abs(ahead) > FAR else ok(About.CLOCK, told)


def between(ahead: Mapping[str, timedelta]) -> Iterator[Told]:
    """The two stores whose clocks are farthest apart."""
    if len(ahead) < 2:
        return
    first, last = min(ahead, key=lambda name: ahead[name]), max(ahead, key=lambda name: ahead[name])
    apart = ahead[last] - ahead[first]
    if apart > FAR:
        told = f"the clock of {last} is {_milliseconds(apart)} before that of {first}"
        yield Told(None, advice(About.CLOCK, told, CHANGE))


def _milliseconds(duration: timedelta) -> str:
    return f"{abs(duration) / timedelta(milliseconds=1):.0f} ms"
