"""What the doctor found."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.examination import Finding, Level


@dataclass(frozen=True, slots=True)
class Told:
    """A finding and the store it is about; None for the installation as a whole."""

    store: str | None
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, store by store."""

    told: Sequence[Told]

    @property
    def is_well(self) -> bool:
        """Whether nothing must be changed."""
        return all(one.finding.level is not Level.WRONG for one in self.told)
