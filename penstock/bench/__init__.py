"""Measures one store on this machine, through the code that users run and beside the bare store."""

from penstock.bench.bench import MEASURES, Bench, Report, Say
from penstock.bench.place import Given, Own, Place, place_of, temporary
from penstock.bench.sizes import Sizes

__all__ = [
    "MEASURES",
    "Bench",
    "Given",
    "Own",
    "Place",
    "Report",
    "Say",
    "Sizes",
    "place_of",
    "temporary",
]
