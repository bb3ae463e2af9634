"""Objects as forms and queries carry them: `a[b][0]=1`, as PHP and its users write nested values."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from penstock.serialization import JSON, JSONObject, encode


def encode_form(params: JSONObject) -> str:
    """The params as `application/x-www-form-urlencoded`; true is 1, false is 0, null is left out."""
    return urlencode([pair for name, value in params.items() for pair in _pairs(name, value)])


def _pairs(name: str, value: JSON) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    elif value is not None:
        yield name, _text(value)


def _text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else encode(value)
