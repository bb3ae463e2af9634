"""Params of typed jobs: there and back again, and every wrong one named."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, TypedDict
from uuid import UUID

import msgspec
import pytest

from penstock.errors import BadJob, SettingsError
from penstock.job_class.params import check_kind, made_of, names_of, written
from penstock.serialization import JSON, decode, encode

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Place:
    """A dataclass inside."""

    street: str
    number: int = 1


class Size(TypedDict):
    """A mapping with names."""

    width: int


@dataclass(frozen=True)
class Everything:
    """A field of each kind that JSON can carry."""

    place: Place
    when: datetime
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    id: UUID | None = None
    price: Decimal = Decimal("1.10")
    pause: timedelta = timedelta(minutes=1)
    secret: bytes = b"\0\xff"
    places: list[Place] = field(default_factory=list)
    by_number: dict[int, Place] = field(default_factory=dict)
    pair: tuple[int, str] = (1, "a")
    maybe: str | None = None
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    share: float = 0.0
    size: Size | None = None
    anything: object = None


FULL = Everything(
    place=Place("High", 3),
    when=NOON,
    colour=Colour.BLUE,
    places=[Place("Low")],
    by_number={3: Place("Main")},
    maybe="ü",
    id=UUID(int=7),
    size={"width": 1},
    anything={"a": [1, None]},
)
LEAST: dict[str, JSON] = {"place": {"street": "High"}, "when": "2026-07-01T12:00:00Z"}


@pytest.mark.parametrize("job", [FULL, Everything(Place("High"), NOON)])
def test_fields_come_back_from_json_as_they_were(job: Everything) -> None:
    params = decode(encode(written(job)))

    assert isinstance(params, dict)
    assert made_of(params, Everything) == job


def test_params_that_are_left_out_have_their_defaults() -> None:
    assert made_of(LEAST, Everything) == Everything(Place("High"), NOON)


@pytest.mark.parametrize(
    ("params", "field", "detail"),
    [
        ({"place": 3}, "place", "expected `object`, got `int`"),
        ({"place": {}}, "place.street", "is missing"),
        ({"place": {"street": "a", "numbr": 3}}, "place.numbr", "is unknown; did you mean number?"),
        ({"places": [{"street": "a", "x": 3}]}, "places[0].x", "is unknown; known: number, street"),
        ({"by_number": {"3": {"street": 1}}}, "by_number[...].street", "expected `str`, got `int`"),
        ({"size": {"width": 1, "height": 2}}, "size.height", "is unknown; known: width"),
        ({"colour": "green"}, "colour", "invalid enum value 'green'"),
        ({"kind": "c"}, "kind", "invalid enum value 'c'"),
        ({"percent": 101}, "percent", "expected `int` <= 100"),
        ({"when": "noon"}, "when", "invalid RFC3339 encoded datetime"),
        ({"id": "7"}, "id", "invalid UUID"),
        ({"maybe": 1}, "maybe", "expected `str | null`, got `int`"),
        ({"pair": [1]}, "pair", "expected `array` of length 2, got 1"),
        ({"whenn": 1}, "whenn", "is unknown; did you mean when?"),
    ],
)
def test_a_wrong_param_is_named(params: dict[str, JSON], field: str, detail: str) -> None:
    with pytest.raises(BadJob) as caught:
        made_of({**LEAST, **params}, Everything)

    [error] = caught.value.errors
    assert (error.field, error.detail) == (field, detail)


def test_a_param_that_is_missing_is_named_beside_the_one_it_was_mistaken_for() -> None:
    with pytest.raises(BadJob) as caught:
        made_of({"stret": "High"}, Place)

    assert [(error.field, error.detail) for error in caught.value.errors] == [
        ("stret", "is unknown; did you mean street?"),
        ("street", "is missing"),
    ]


def test_a_flood_of_unknown_params_is_told_shortly() -> None:
    with pytest.raises(BadJob) as caught:
        made_of({f"{number}" * 1000: 1 for number in range(10_000, 10_100)}, Place)

    assert len(caught.value.errors) < 30
    assert len(str(caught.value)) < 6000


class Strange:
    """Nothing that JSON knows."""


@dataclass(frozen=True)
class Loose:
    """Fields that take anything."""

    first: object = None
    second: object = None


def test_what_json_cannot_carry_is_named_field_by_field() -> None:
    round: list[object] = []
    round.append(round)

    with pytest.raises(BadJob) as caught:
        written(Loose(Strange(), round))

    assert [error.field for error in caught.value.errors] == ["first", "second"]
    assert caught.value.errors[0].detail == "cannot be kept as JSON: a Strange is no JSON"


class Text(str):
    """Somebody's own kind of text."""


def test_somebodys_own_kind_of_text_is_kept_as_text() -> None:
    assert written(Loose(Text("a"))) == {"first": "a", "second": None}


@dataclass(frozen=True)
class Guarded:
    """A dataclass with a rule of its own."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("number is negative; give 0 or more")


def test_the_rules_of_the_class_itself_count_too() -> None:
    with pytest.raises(BadJob, match="number is negative; give 0 or more"):
        made_of({"number": -1}, Guarded)


def test_a_class_that_means_nothing_is_refused() -> None:
    @dataclass(frozen=True)
    class Local:
        place: "Hidden"

    class Hidden:
        pass

    check_kind(Place)
    with pytest.raises(SettingsError, match=r"class .*Local: .*Hidden.*; annotate its fields"):
        check_kind(Local)
    with pytest.raises(SettingsError, match=r"Local: .*Hidden"):
        made_of({"place": 1}, Local)


def test_only_dataclasses_have_names() -> None:
    assert names_of(Place) == ("street", "number")
    assert names_of(Strange) == ()


@dataclass(frozen=True)
class Sets:
    """Sets, also inside of what stands beside them."""

    names: set[str]
    colours: frozenset[Colour]
    inside: list[dict[str, set[int]]]


def test_equal_sets_are_written_alike_whatever_their_order() -> None:
    names = [f"name {number}" for number in range(100)]
    upwards, downwards = (
        Sets(set(given), frozenset(Colour), [{"a": {256, 0, 1}}])
        for given in (names, names[::-1])  # where hashes collide, the first comes first
    )

    assert written(upwards) == written(downwards)
    assert written(upwards)["names"] == sorted(names)
    assert written(upwards)["colours"] == ["blue", "red"]
    assert written(upwards)["inside"] == [{"a": [0, 1, 256]}]
    assert made_of(written(upwards), Sets) == upwards
