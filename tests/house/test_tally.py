"""The count of cases that ends a run tells the truth."""

from collections import Counter

import pytest

from tests.house.tally import Tally, engines_of, lines_of

pytest_plugins = ["pytester"]

ENGINES = ["federated", "memory", "redis", "sqlite"]


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/engines/test_conformance.py::test_ack[sqlite]", ["sqlite"]),
        (
            "tests/engines/conformance/test_memory.py::test_conforms[memory-ack::it_works]",
            ["memory"],
        ),
        ("tests/engines/test_conformance.py::test_ack[redis]@redis", ["redis"]),
        ("tests/engines/test_redis.py::test_ack", []),
        ("tests/test_queue.py::test_in[1-memory-2]", ["memory"]),
        ("tests/test_queue.py::test_in[memory_usage]", []),
        ("tests/test_copy.py::test_copy[sqlite-redis]", ["redis", "sqlite"]),
        ("tests/test_federated.py::test_conforms[memory-2-federated-ack::works]", ["federated"]),
    ],
    ids=[
        "alone",
        "with a case",
        "with a group",
        "only in the file",
        "in the midst",
        "in a word",
        "two",
        "federated",
    ],
)
def test_a_case_belongs_to_the_engine_in_its_brackets(nodeid: str, expected: list[str]) -> None:
    assert engines_of(nodeid, ENGINES) == expected


def test_an_engine_without_a_case_is_named() -> None:
    counts = {"sqlite": Counter(passed=3, skipped=1)}

    assert lines_of(["redis", "sqlite"], counts) == [
        "redis: no case",
        "sqlite: 3 passed, 1 skipped",
    ]


def test_a_case_is_counted_once_and_a_broken_fixture_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken():
            raise OSError

        @pytest.mark.parametrize("engine", ["sqlite", "redis"])
        def test_push(engine):
            assert engine == "sqlite"

        @pytest.mark.parametrize("engine", ["sqlite"])
        def test_open(engine, broken):
            pass
        """
    )

    run = pytester.inline_run("-p", "no:asyncio", plugins=[tally := Tally(ENGINES)])

    assert run.ret == pytest.ExitCode.TESTS_FAILED
    assert tally.lines() == [
        "federated: no case",
        "memory: no case",
        "redis: 1 failed",
        "sqlite: 1 failed, 1 passed",
    ]
