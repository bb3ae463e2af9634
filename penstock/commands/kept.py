"""Makes what a command brought back small and clean enough to be stored as its result."""

from bisect import bisect_right

from penstock.policy import MAX_RESULT
from penstock.serialization import JSON, JSONObject, encode


def clean(text: str) -> str:
    """The text without NUL, which not every store can keep."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def fit(result: JSONObject, field: str) -> JSONObject:
    """The result, with the text in `field` cut and `truncated` true if it were too long to be stored."""
    if _size(result) <= MAX_RESULT:
        return result
    text = str(result[field])
    room = MAX_RESULT - _size({**result, field: "", "truncated": True})
    # Escapes and UTF-8 make a letter 1 to 6 bytes; the size only grows with the length.
    length = bisect_right(range(1, len(text) + 1), room, key=lambda end: _size(text[:end]) - 2)
    return {**result, field: text[:length], "truncated": True}


def _size(value: JSON) -> int:
    return len(encode(value).encode())
