"""`penstock worker`: what it refuses. How it works, stops and keeps its children is told by the journeys."""

import pytest

from tests.cli.command import Shell


@pytest.mark.parametrize("words", [("--procs", "0"), ("--procs", "1001"), ("--slots", "0")])
def test_numbers_out_of_range_are_wrong_usage(penstock: Shell, words: tuple[str, str]) -> None:
    assert penstock("worker", *words).code == 2


def test_a_wrong_configuration_ends_it(penstock: Shell) -> None:
    answer = penstock("worker", "--config", "nowhere.toml")

    assert answer.code == 78
    assert "nowhere.toml" in answer.err
