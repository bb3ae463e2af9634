"""Where a setting was written: the line that a refusal names."""

from pathlib import Path

import pytest

from penstock.settings.source import Keys, Source

TEXT = """\
# port = 1
top = 1

[server]
host = "port = 2"

port = 3  # port
[ commands . "http" ]
'allow_private' = [
  "10.0.0.0/8",
]
exec.allow = []

[stores."main"] # the main one
url = "x"
[[queues]]
inline = { port = 5, ttl = 6 }
  indented = 1
"""

PATH = Path("dir/penstock.toml")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("top",), 2),
        (("server",), 4),
        (("server", "host"), 5),
        (("server", "port"), 7),
        (("server", "missing"), 4),
        (("commands",), 8),
        (("commands", "http", "allow_private"), 9),
        (("commands", "http", "exec"), 12),
        (("commands", "http", "exec", "allow"), 12),
        (("commands", "http", "exec", "other"), 12),
        (("stores", "main"), 14),
        (("stores", "main", "url"), 15),
        (("stores", "main", "number"), 14),
        (("stores", "other", "url"), 14),
        (("queues", "inline", "port"), 17),
        (("queues", "indented"), 18),
    ],
)
def test_a_key_stands_on_its_line_or_in_the_nearest_section(keys: Keys, line: int) -> None:
    assert Source(PATH, TEXT).place(keys) == f"dir/penstock.toml:{line}"


def test_a_key_that_stands_nowhere_is_of_the_file_or_the_environment() -> None:
    assert Source(PATH, TEXT).place(("runner", "slots")) == "dir/penstock.toml"
    assert Source(None, "").place(("runner", "slots")) == "environment"


def test_a_key_that_a_variable_set_is_of_the_variable() -> None:
    source = Source(PATH, TEXT)
    source.variables["server", "port"] = "PENSTOCK_SERVER_PORT"
    source.variables["queues", "mail", "ttl"] = "PENSTOCK_QUEUES_MAIL_TTL"

    assert source.place(("server", "port")) == "PENSTOCK_SERVER_PORT"
    assert source.place(("server", "host")) == "dir/penstock.toml:5"
    assert source.place(("queues", "mail", "store")) == "PENSTOCK_QUEUES_MAIL_TTL"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("top",), "dir/penstock.toml:2: top: is wrong"),
        (("server", "port"), "dir/penstock.toml:7: [server] port: is wrong"),
        (("stores", "main", "url"), "dir/penstock.toml:15: [stores.main] url: is wrong"),
    ],
)
def test_a_refusal_names_the_place_and_the_key(keys: Keys, said: str) -> None:
    assert str(Source(PATH, TEXT).refusal(keys, "is wrong")) == said


def test_a_refusal_of_a_section_names_it_as_the_file_does() -> None:
    error = Source(PATH, TEXT).refusal_of_section(("stores", "main"), "is wrong")

    assert str(error) == "dir/penstock.toml:14: [stores.main]: is wrong"


@pytest.mark.parametrize("text", ["", "\n", "[", "=", "= 1", "[]", "[[", '["', "a.b", "\ufeffa=1"])
def test_lines_that_are_no_toml_are_passed_over(text: str) -> None:
    assert Source(PATH, text).place(("a",)).startswith("dir/penstock.toml")
