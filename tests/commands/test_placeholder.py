"""`__JOBID__` and where it counts."""

import pytest

from penstock.commands.placeholder import fill, fill_url
from penstock.job import JobId
from penstock.serialization import JSON

ID = JobId(42)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("__JOBID__", "42"),
        ("a__JOBID____JOBID__b", "a4242b"),
        ("__jobid__ JOBID", "__jobid__ JOBID"),
        ({"k": ["x", {"deep": "id=__JOBID__"}]}, {"k": ["x", {"deep": "id=42"}]}),
        ({"__JOBID__": 1}, {"__JOBID__": 1}),
        ([1, 1.5, True, None], [1, 1.5, True, None]),
    ],
)
def test_every_text_is_filled_and_nothing_else(value: JSON, expected: JSON) -> None:
    assert fill(value, ID) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.test/__JOBID__/x?y=__JOBID__", "http://a.test/42/x?y=42"),
        ("http://a.test?jobid=__JOBID__", "http://a.test?jobid=42"),
        ("http://__JOBID__.test/__JOBID__", "http://__JOBID__.test/42"),
        ("http://__JOBID__@a.test:__JOBID__/", "http://__JOBID__@a.test:__JOBID__/"),
        ("http://__JOBID__", "http://__JOBID__"),
    ],
)
def test_in_a_url_path_and_query_are_filled_and_never_the_host(url: str, expected: str) -> None:
    assert fill_url(url, ID) == expected
