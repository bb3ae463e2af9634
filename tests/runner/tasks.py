"""Jobs that are handed to processes of their own."""

import asyncio
import logging
from dataclasses import replace

from penstock.handler import Context
from penstock.job import Progress
from penstock.runner.messages import Task
from penstock.serialization import JSON, encode
from tests.test_handler import JOB

HEAVY = "tests.runner.heavy:Heavy"
FUNCTION = "tests.runner.heavy:heavy_function"


class Heard(Context):
    """A context, and when its handler has reported for the first time."""

    __slots__ = ("began",)

    def __init__(self, **params: JSON) -> None:
        super().__init__(
            job=replace(JOB, params=encode(params)), params=params, idempotency_key="store-7"
        )
        self.began = asyncio.Event()
        self.reported = self._heard

    def _heard(self, progress: Progress) -> None:
        self.began.set()


def task(place: str, **params: JSON) -> Task:
    """A job with these params, for the class at this place."""
    return Task(
        place=place,
        job=replace(JOB, params=encode(params)),
        idempotency_key="store-7",
        level=logging.INFO,
    )
