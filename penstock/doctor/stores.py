"""One store: reached, examined, and looked into where that changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from penstock.app import naming
from penstock.doctor.clocks import against_host
from penstock.doctor.queues import about_queue, about_runners, queue_states
from penstock.engine import Engine, Feature
from penstock.errors import EngineUnavailable, PenstockError, StoreMismatch
from penstock.examination import About, Examination, Examining, Finding, Level, advice, ok, wrong
from penstock.schema import Migrating
from penstock.settings import StoreSettings

_FIRST = "0001_"


class Patient:
    """One store; what was found until something fails, or takes too long, is kept."""

    def __init__(
        self, name: str, settings: StoreSettings, lives_here: Callable[[str], bool]
    ) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self.ahead: timedelta | None = None
        self._settings = settings
        self._lives_here = lives_here

    async def look(self, engine: Engine, patience: timedelta) -> None:
        """All findings are there, what keeps us from the store being one; nothing was changed."""
        try:
            with naming(self.name):
                await self._look(engine, patience)
        except PenstockError as error:
            self.findings.append(_kept_from(error))

    async def _look(self, engine: Engine, patience: timedelta) -> None:
        examination = Examination()
        if isinstance(engine, Examining):
            examination = await engine.examine(patience)
        pending = await engine.pending() if isinstance(engine, Migrating) else ()
        self.ahead = examination.ahead
        self.findings += _bearable(examination.findings, self._settings)
        self.findings += about_schema(pending, self._settings)
        if self.ahead is not None:
            self.findings.append(against_host(self.ahead))
        if not pending and not any(one.level is Level.WRONG for one in self.findings):
            await self._look_into(engine)  # else to open it might change it

    async def _look_into(self, engine: Engine) -> None:
        try:
            await engine.open()
            self.findings += _promises(self.name, engine, self._settings)
            if Feature.SHARED not in engine.features:
                return  # what it holds is another process's
            runners = await engine.workers()
            self.findings.append(about_runners(runners))
            for state in await queue_states(engine, runners, self._lives_here):
                self.findings += about_queue(state)
        finally:
            await engine.close()


def about_schema(pending: Sequence[str], settings: StoreSettings) -> Iterator[Finding]:
    """What a store lacks."""
    told = f"lacks {', '.join(pending)}"
    if any(name.startswith(_FIRST) for name in pending):
        change = "run `penstock migrate` to make it, or correct `url`"
        yield wrong(About.SCHEMA, "there is no store yet", change)
    elif pending and not settings.migrate:
        yield wrong(About.SCHEMA, told, "run `penstock migrate`")
    elif pending:
        yield advice(About.SCHEMA, told, "run `penstock migrate`, or whoever opens it next does it")


def _bearable(findings: Sequence[Finding], settings: StoreSettings) -> Iterator[Finding]:
    """The findings; that jobs may be lost is no more than advice where that is accepted."""
    for one in findings:
        if one.about is About.DURABILITY and settings.accept_volatile:
            yield advice(one.about, one.text, f"{one.change}; accepted by accept_volatile = true")
        else:
            yield one


def _promises(name: str, engine: Engine, settings: StoreSettings) -> Iterator[Finding]:
    promised = ", ".join(sorted(engine.features))
    identity = engine.identity
    yield ok(About.REACH, f"store {identity.number}, uuid {identity.uuid}, promises {promised}")
    is_durable = Feature.DURABLE in engine.features
    if is_durable and settings.accept_volatile:
        change = f"remove from [stores.{name}]: accept_volatile = true"
        yield advice(
            About.CONFIGURATION, "the store is durable, and says that it need not be", change
        )
    if not is_durable and not settings.accept_volatile:
        change = f"if that is wanted add to [stores.{name}]: accept_volatile = true"
        yield wrong(About.DURABILITY, "it can lose jobs that it has answered", change)


def _kept_from(error: PenstockError) -> Finding:
    match error:
        case EngineUnavailable():
            return wrong(About.REACH, str(error), "start its server, or correct `url`")
        case StoreMismatch():
            about = About.SCHEMA
        case _:
            about = About.REACH
    what, _, change = str(error).partition("; ")
    return wrong(about, what, change)
