"""The composition root: the only place that builds everything."""

from penstock.app.building import engine_kinds
from penstock.app.penstock import Penstock

__all__ = ["Penstock", "engine_kinds"]
