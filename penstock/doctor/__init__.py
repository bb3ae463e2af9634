"""Looks at an installation without changing it, and says what should be changed."""

from penstock.doctor.doctor import Doctor
from penstock.doctor.report import Report, Told

__all__ = ["Doctor", "Report", "Told"]
