"""The whole look: all stores at once, each for a few seconds at most."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from penstock.app import Penstock
from penstock.doctor import clocks
from penstock.doctor.configuration import lives_in, unused_stores
from penstock.doctor.report import Report, Told
from penstock.doctor.stores import Patient
from penstock.errors import PenstockError
from penstock.examination import About, Finding, wrong

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)
TO_EXAMINE = timedelta(seconds=4)  # so that there is time to say why


class Doctor:
    """Looks at what a configuration describes."""

    def __init__(self, penstock: Penstock) -> None:
        self._penstock = penstock
        self._settings = penstock.settings

    async def look(self) -> Report:
        """What was found; nothing was changed. A store that does not answer in time is said to be so."""
        patients = self._patients()
        tasks = {asyncio.create_task(self._look(one)): one for one in patients.values()}
        done, late = await asyncio.wait(tasks, timeout=PATIENCE.total_seconds())
        for task in late:  # left to the end of the loop: they may hang
            task.cancel()
            tasks[task].findings.append(_late())
        for task in done:
            if (error := task.exception()) is not None:
                tasks[task].findings.append(_broken_off(error))
        return self._report(patients)

    async def _look(self, patient: Patient) -> None:
        try:
            engine = self._penstock.build_engine(patient.name, self._settings.stores[patient.name])
        except PenstockError as error:
            patient.findings.append(wrong(About.CONFIGURATION, str(error), ""))
            return
        await patient.look(engine, TO_EXAMINE)

    def _patients(self) -> Mapping[str, Patient]:
        """The stores that hold jobs themselves."""
        return {
            name: Patient(name, store, lives_in(self._settings, name))
            for name, store in self._settings.stores.items()
            if store.partitions is None
        }

    def _report(self, patients: Mapping[str, Patient]) -> Report:
        of_stores = [
            Told(name, one) for name, patient in patients.items() for one in patient.findings
        ]
        ahead = {name: one.ahead for name, one in patients.items() if one.ahead is not None}
        return Report([*of_stores, *unused_stores(self._settings), *clocks.between(ahead)])


def _broken_off(error: BaseException) -> Finding:
    """What no engine should raise: all is not well where the look came to no end."""
    log.error("the look at a store broke off", exc_info=error)
    return wrong(
        About.REACH,
        f"the look at it broke off: {type(error).__name__}: {error}",
        "see the traceback on standard error",
    )


def _late() -> Finding:
    return wrong(
        About.REACH,
        f"it has not answered for {PATIENCE.total_seconds():g} s",
        "see what holds its server up, or correct `url`",
    )
