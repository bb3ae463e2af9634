"""PostgreSQL does what the reference model does, whatever is asked of it and in whatever order."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from penstock.conformance.harness import Harness
from tests.engines.postgresql.harness import around
from tests.engines.stateful.machine import EngineMachine

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("postgresql")]


def test_postgresql_does_what_the_model_does(postgresql_url: str) -> None:
    @asynccontextmanager
    async def on_postgresql() -> AsyncIterator[Harness]:
        async with around(postgresql_url) as harness:
            await harness.clean()
            yield harness

    class OnPostgresql(EngineMachine):
        def stage(self) -> AbstractAsyncContextManager[Harness]:
            return on_postgresql()

    run_state_machine_as_test(
        OnPostgresql,
        settings=settings(
            deadline=None,
            max_examples=10,
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
