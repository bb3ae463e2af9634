"""The composition root: the only place that builds everything."""

from penstock.app.building import VERSION, engine_kinds, naming
from penstock.app.penstock import Penstock

__all__ = ["VERSION", "Penstock", "engine_kinds", "naming"]
