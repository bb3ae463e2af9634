"""The server is killed with -9 while two processes push, claim, ack and reclaim; and so is one of these."""

import pytest

from tests.engines.failures.stores import Store
from tests.engines.failures.torture import Torture, check

KILLS = 3


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_every_answer_holds_after_kills_of_the_server(store: Store) -> None:
    torture = Torture(store)

    await torture.run(kills=KILLS, answers_between=150)

    assert torture.kills == KILLS
    assert torture.record.away >= KILLS
    assert torture.record.pushed
    assert torture.record.acked
    await check(store, torture.record)
