"""Whether this process can do its work."""

import pytest

from penstock.inspection import Health


def test_health_names_what_does_not_work_now() -> None:
    health = Health()
    assert health.troubles == {}

    health.fails("purge:main", "away")
    health.fails("fetcher", "away")
    health.fails("purge:main", "still away")
    health.works("fetcher")
    health.works("never failed")

    troubles = health.troubles
    health.works("purge:main")
    assert troubles == {"purge:main": "still away"}
    assert health.troubles == {}


def test_what_waits_for_its_store_for_too_long_does_not_work() -> None:
    seconds = [0.0]
    health = Health(lambda: seconds[0])

    health.asks("promote:main")
    assert health.troubles == {}
    seconds[0] = 6.0
    assert health.troubles == {"promote:main": "no answer for 6 s"}

    health.works("promote:main")
    assert health.troubles == {}


def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    health = Health()

    health.fails("promote:main", "away")
    health.fails("promote:main", "still away")
    health.works("promote:main")
    health.works("promote:main")

    assert caplog.messages == ["promote:main: away", "promote:main works again"]
