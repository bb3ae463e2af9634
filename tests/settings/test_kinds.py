"""Kinds: values read from TOML and from variables, and what is said of those that do not fit."""

import pytest

from penstock.job import Delivery, Order
from penstock.settings.kinds import (
    expected,
    inner_section,
    keys_of,
    named_section,
    read,
    read_text,
)
from penstock.settings.sections import (
    QueueSettings,
    RunnerSettings,
    ServerSettings,
    Settings,
    StoreSettings,
)

SERVER = keys_of(ServerSettings)
QUEUE = keys_of(QueueSettings)
PORT, ALLOW, FLAG, HOST = (SERVER[key] for key in ("port", "allow", "accept_unknown_types", "host"))
TTL, ORDER, DELIVERY, STORE = (QUEUE[key] for key in ("ttl", "order", "delivery", "store"))

TAKEN: list[tuple[object, object, object]] = [
    (1337, PORT, 1337),
    (0, PORT, 0),
    (65535, PORT, 65535),
    ([], ALLOW, ()),
    (["127.0.0.1", "::1"], ALLOW, ("127.0.0.1", "::1")),
    (True, FLAG, True),
    (3, TTL, 3.0),
    (0.1, TTL, 0.1),
    ("fifo", ORDER, Order.FIFO),
    (Order.FIFO, ORDER, Order.FIFO),
    ("at_most_once", DELIVERY, Delivery.AT_MOST_ONCE),
    ("main", STORE, "main"),
]


@pytest.mark.parametrize(("value", "kind", "kept"), TAKEN)
def test_a_value_of_its_kind_is_read(value: object, kind: object, kept: object) -> None:
    assert read(value, kind) == kept


REFUSED: list[tuple[object, object, str]] = [
    ("x", PORT, "expected an integer from 0 to 65535, not 'x'"),
    ("1337", PORT, "expected an integer from 0 to 65535, not '1337'"),
    (-1, PORT, "expected an integer from 0 to 65535, not -1"),
    (65536, PORT, "expected an integer from 0 to 65535, not 65536"),
    (10**40, PORT, "expected an integer from 0 to 65535, not 1000"),
    (1337.0, PORT, "expected an integer from 0 to 65535, not 1337.0"),
    (True, PORT, "expected an integer from 0 to 65535, not true"),
    ({"a": 1}, PORT, "expected an integer from 0 to 65535, not a section"),
    (1, FLAG, "expected true or false, not 1"),
    ("true", FLAG, "expected true or false, not 'true'"),
    ("", HOST, "expected text that is not empty, not ''"),
    (5, HOST, "expected text that is not empty, not 5"),
    ("x" * 500, TTL, "expected a number from 0.1 to 316224000, not 'xxx"),
    (0, TTL, "expected a number from 0.1 to 316224000, not 0"),
    (float("nan"), TTL, "expected a number from 0.1 to 316224000, not nan"),
    (float("inf"), TTL, "expected a number from 0.1 to 316224000, not inf"),
    (1e300, TTL, "expected a number from 0.1 to 316224000, not 1e+300"),
    ("lifo", ORDER, "expected one of priority, fifo, random, not 'lifo'"),
    (5, ORDER, "expected one of priority, fifo, random, not 5"),
    ("127.0.0.1", ALLOW, "expected a list, each item text that is not empty"),
    (["127.0.0.1", ""], ALLOW, "expected a list, each item text that is not empty"),
    ([5], ALLOW, "expected a list, each item text that is not empty"),
    ("a\nb\x1b", PORT, r"not 'a\nb\x1b'"),
]


@pytest.mark.parametrize(("value", "kind", "words"), REFUSED)
def test_a_value_of_another_kind_is_refused_in_words(
    value: object, kind: object, words: str
) -> None:
    with pytest.raises(ValueError, match=r"^expected") as caught:
        read(value, kind)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


TEXTS: list[tuple[str, object, object]] = [
    ("1337", PORT, 1337),
    (" 1337\n", PORT, 1337),
    ("true", FLAG, True),
    ("False", FLAG, False),
    ("1", FLAG, True),
    ("0", FLAG, False),
    ("0.5", TTL, 0.5),
    ("5", TTL, 5.0),
    ("random", ORDER, Order.RANDOM),
    ("null", STORE, "null"),
    ("5", STORE, "5"),
    ("", ALLOW, ()),
    ("127.0.0.1", ALLOW, ("127.0.0.1",)),
    (" 127.0.0.1 , ::1 ", ALLOW, ("127.0.0.1", "::1")),
]


@pytest.mark.parametrize(("text", "kind", "value"), TEXTS)
def test_the_text_of_a_variable_is_read_as_its_kind(text: str, kind: object, value: object) -> None:
    assert read_text(text, kind) == value


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("", PORT, "is empty; give an integer from 0 to 65535, or unset it"),
        (" ", STORE, "is empty; give text that is not empty, or unset it"),
        ("", FLAG, "is empty; give true or false, or unset it"),
        ("yes", FLAG, "expected true or false, not 'yes'"),
        ("1_000", PORT, "expected an integer from 0 to 65535, not '1_000'"),
        ("٣", PORT, r"expected an integer from 0 to 65535, not '\u0663'"),
        ("0x10", PORT, "expected an integer"),
        ("nan", TTL, "expected a number from 0.1 to 316224000, not 'nan'"),
        ("inf", TTL, "expected a number from 0.1 to 316224000, not 'inf'"),
        ("9" * 5000, PORT, "expected an integer"),
        ("null", TTL, "expected a number from 0.1 to 316224000, not 'null'"),
        ("127.0.0.1,,::1", ALLOW, "expected a list, each item text that is not empty"),
        (",", ALLOW, "expected a list, each item text that is not empty"),
    ],
)
def test_the_text_of_a_variable_that_does_not_fit_is_refused_in_words(
    text: str, kind: object, words: str
) -> None:
    with pytest.raises(ValueError, match=r"^expected|^is empty") as caught:
        read_text(text, kind)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("secret", ["whsec_abc", ["whsec_abc", ""]])
def test_a_wrong_list_is_not_shown_as_it_may_hold_secrets(secret: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a list") as caught:
        read(secret, ALLOW)

    assert "whsec" not in str(caught.value)


def test_every_key_has_words_for_what_it_takes() -> None:
    for section in (StoreSettings, QueueSettings, ServerSettings, RunnerSettings):
        for key, kind in keys_of(section).items():
            assert expected(kind), key


def test_sections_are_told_from_keys() -> None:
    kinds = keys_of(Settings)

    assert inner_section(kinds["server"]) is ServerSettings
    assert named_section(kinds["stores"]) is StoreSettings
    assert inner_section(kinds["stores"]) is named_section(kinds["server"]) is None
    assert inner_section(PORT) is named_section(ALLOW) is None
