"""Forms and queries."""

import pytest

from penstock.commands.form import encode_form
from penstock.serialization import JSONObject


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ""),
        ({"username": "michael"}, "username=michael"),
        ({"a": "x y&z=ä+"}, "a=x+y%26z%3D%C3%A4%2B"),
        ({"n": {"x": [1, 2]}}, "n%5Bx%5D%5B0%5D=1&n%5Bx%5D%5B1%5D=2"),
        ({"t": True, "f": False, "n": None, "z": 0, "d": 1.5}, "t=1&f=0&z=0&d=1.5"),
        ({"e": [], "o": {}, "s": ""}, "s="),
        ({"l": [{"a": "b"}]}, "l%5B0%5D%5Ba%5D=b"),
        ({"a&b": "c"}, "a%26b=c"),
    ],
)
def test_values_are_written_as_php_writes_them(params: JSONObject, expected: str) -> None:
    assert encode_form(params) == expected
