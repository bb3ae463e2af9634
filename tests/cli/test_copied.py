"""What `copy-queue` says of what it did."""

import pytest

from penstock.cli.copied import copied_lines, notes
from penstock.engines.memory import MemoryEngine
from penstock.events import Events
from penstock.group import Store
from penstock.inspection import Copied, Route
from penstock.job import Counts, QueueKey
from penstock.policy import Policies, Policy

MAIL = QueueKey("default", "mail")


def part(**values: int | bool) -> Copied:
    """What became of a queue in the store `main`; `waiting` and `claimed` are left there."""
    left = Counts(ready=values.pop("waiting", 0), claimed=values.pop("claimed", 0))
    paused = bool(values.pop("paused", False))
    return Copied(store="main", queue=MAIL, left=left, paused=paused, **values)


def told(*parts: Copied, home: str = "other", moved: bool = True) -> list[str]:
    return list(notes(parts, type="mail", target="other", home=home, moved=moved))


def test_a_line_has_every_figure() -> None:
    target = Store("other", MemoryEngine(), Policies(Policy()), Events())
    one = part(
        copied=1, already_there=2, deduplicated=3, refused=4, removed=5, waiting=6, claimed=7
    )

    assert copied_lines(Route(parts=(), target=target), [one], "mail") == [
        "default/mail from main to other: 1 copied, 2 already there, 3 deduplicated, 4 refused, 5 removed; "
        "left: 6 waiting, 7 claimed"
    ]


@pytest.mark.parametrize(
    ("one", "moved", "note"),
    [
        (part(waiting=2), True, "default/mail: 2 wait in main now"),
        (part(claimed=1), True, "default/mail: 1 run from main now and may have to be tried again"),
        (part(paused=True), True, "default/mail was paused in main before, and still is"),
        (part(waiting=2), False, None),
        (part(copied=9), True, None),
    ],
)
def test_a_note_says_what_is_still_to_be_done(
    one: Copied, *, moved: bool, note: str | None
) -> None:
    found = told(one, moved=moved)

    assert [text.partition(";")[0] for text in found] == ([] if note is None else [note])


def test_a_type_that_lives_elsewhere_is_told_with_the_line_to_add() -> None:
    [note] = told(part(), home="main")

    assert note.startswith(
        "by this configuration jobs of type mail are run from main, not from other"
    )
    assert note.endswith('add to [queues.mail]: store = "other"')
