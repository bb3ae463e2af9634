"""Errors: their words, and the fields that they name."""

from datetime import timedelta

import pytest

from penstock import errors
from penstock.errors import (
    BadJob,
    Bury,
    CallerError,
    EngineError,
    EngineUnavailable,
    FieldError,
    JobFailed,
    NotAllowed,
    PenstockError,
    Retry,
    UnknownType,
    nearest,
)

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PenstockError)
]


class Untold(JobFailed):
    pass


class Told(JobFailed):
    """
    The printer is out of paper.

    Nobody reads on.
    """


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_stands_in_the_tree_that_the_module_draws(kind: type[PenstockError]) -> None:
    assert errors.__doc__ is not None

    line = next(line for line in errors.__doc__.splitlines() if kind.__name__ in line.split())

    parents = [parent.__name__ for parent in kind.__mro__]
    assert len(line) - len(line.lstrip("│├└─ ")) == 4 * (parents.index("PenstockError"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EngineUnavailable(), "The store cannot be reached now; trying again may help."),
        (EngineUnavailable(""), "The store cannot be reached now; trying again may help."),
        (EngineUnavailable("store main is away"), "store main is away"),
        (Bury(), "This job can never succeed; it ends dead."),
        (Untold(), "The job failed; it is tried again while attempts are left."),
        (Told(), "The printer is out of paper."),
        (BadJob([]), "A field of the job is wrong."),
        (BadJob.field("priority", "is 5000"), "priority: is 5000"),
        (BadJob([FieldError("a", "x"), FieldError("b", "y")]), "a: x; b: y"),
        (NotAllowed("no exec"), "no exec"),
        (
            NotAllowed("no exec", add="[a] b = 1"),
            "no exec; to allow it add to penstock.toml, under its section: [a] b = 1",
        ),
    ],
)
def test_an_error_says_what_happened(error: PenstockError, words: str) -> None:
    assert str(error) == words


@pytest.mark.parametrize(
    ("field", "whole"),
    [
        ("priority", "jobs[1].priority"),
        ("params.to", "jobs[1].params.to"),
        ("[2]", "jobs[1][2]"),
        ("", "jobs[1]"),
    ],
)
def test_a_field_is_named_from_further_up(field: str, whole: str) -> None:
    wrong = UnknownType([FieldError(field, "is wrong")]).below("jobs[1]")
    refused = NotAllowed("no", field=field, add="line").below("jobs[1]")

    assert isinstance(wrong, UnknownType)
    assert [error.field for error in wrong.errors] == [whole]
    assert refused.field == whole
    assert str(refused) == "no; to allow it add to penstock.toml, under its section: line"


def test_the_caller_is_not_at_fault_where_a_store_is() -> None:
    assert not issubclass(EngineError, CallerError)
    assert not issubclass(JobFailed, CallerError)
    assert issubclass(UnknownType, CallerError)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("prot", "did you mean port?"),
        ("Port", "did you mean port?"),
        ("zzz", "known: allow, host, port"),
        ("", "known: allow, host, port"),
    ],
)
def test_the_nearest_known_key_is_named_or_all_are(key: str, said: str) -> None:
    assert nearest(key, ["port", "host", "allow"]) == said


def test_the_pause_before_a_retry_may_be_given_in_seconds() -> None:
    assert Retry(after=90).after == Retry(after=timedelta(minutes=1.5)).after
    assert Retry().after is None


def test_a_pause_that_is_none_is_refused_where_it_is_raised() -> None:
    with pytest.raises(ValueError, match="after=-5 is negative"):
        Retry("busy", after=-5)
