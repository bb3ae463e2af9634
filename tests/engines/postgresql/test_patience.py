"""A transaction that stays open holds up only what meets it in a key, and that no longer than the lock timeout."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    TTL,
    assert_conserved,
    claimed_job,
    claims,
    deadline,
    job,
    key,
    names,
    push,
    push_one,
    read,
    root,
)
from penstock.engine import Ack, Pushed
from penstock.errors import EngineUnavailable
from penstock.job import JobId, NewJob, Presence, Priority, State
from tests.engines.postgresql.harness import PostgresqlHarness, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]
