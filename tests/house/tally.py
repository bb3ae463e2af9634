"""Says at the end of a run how many cases each engine passed, failed and skipped."""

import pkgutil
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

import pytest

import penstock.engines

FEDERATED = "federated"
BRACKETS = re.compile(r"\[(.*)\]")

Counts = Mapping[str, Counter[str]]


class Tally:
    """Counts the cases of every engine while they run."""

    def __init__(self, engines: Collection[str]) -> None:
        self._engines = engines
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the outcome of the case; of its set-up only what kept it from running."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            for engine in engines_of(report.nodeid, self._engines):
                self._counts[engine][report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each engine."""
        terminalreporter.section("cases of each engine")
        for line in self.lines():
            terminalreporter.line(line)

    def lines(self) -> list[str]:
        """What was counted so far, a line for each engine."""
        return lines_of(self._engines, self._counts)


def pytest_configure(config: pytest.Config) -> None:
    """Count in the process that sees every report."""
    if not hasattr(config, "workerinput"):
        engines = sorted(one.name for one in pkgutil.iter_modules(penstock.engines.__path__))
        config.pluginmanager.register(Tally(engines), "penstock-tally")


def engines_of(nodeid: str, engines: Iterable[str]) -> list[str]:
    """The engines that the case names in its brackets, as `test_conforms[sqlite-ack]` does.

    A case of a federation is the federation's alone, whatever its partitions are.
    """
    brackets = BRACKETS.search(nodeid)
    values = brackets.group(1).split("-") if brackets else []
    if FEDERATED in values:
        values = [FEDERATED]
    return [engine for engine in engines if engine in values]


def lines_of(engines: Iterable[str], counts: Counts) -> list[str]:
    """`sqlite: 163 passed`, and what else there was; an engine without a case says so."""
    return [f"{engine}: {_outcomes(counts.get(engine, Counter()))}" for engine in engines]


def _outcomes(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in sorted(counts)) or "no case"
