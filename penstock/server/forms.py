"""Forms as PHP reads them: `command[type]=http` is a field inside an object, `argv[]=a` an item of a list.

Every value is text but for the few that must be numbers. Raises BadJob for what cannot be read, on the field `body` or
on the form's own name for a field.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl

from penstock.errors import BadJob
from penstock.serialization import JSON, JSONObject

MAX_FIELDS = 1000
MAX_NESTING = 32

NUMERIC = frozenset({"priority", "command[timeout]", "callback_done[timeout]"})

Pair: TypeAlias = tuple[str, str]
Tree: TypeAlias = "dict[str, Tree | str | int | float]"

_PARAMETER = re.compile(r""";\s*([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""")
_QUOTED_PAIR = re.compile(r"\\(.)")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_INDEX = re.compile(r"\[([^\[\]]*)\]")


def urlencoded(content: bytes) -> JSONObject:
    """The object that an application/x-www-form-urlencoded body spells out."""
    try:
        pairs = parse_qsl(
            content.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise BadJob.field("body", "not UTF-8; send UTF-8 text") from error
    except ValueError as error:
        raise BadJob.field("body", f"has more than {MAX_FIELDS} fields") from error
    return nested(pairs)


def multipart(content: bytes, boundary: str) -> JSONObject:
    """The object that a multipart/form-data body spells out; files are refused."""
    if not boundary:
        raise BadJob.field("body", "is multipart, but its Content-Type names no boundary")
    _, *parts = (b"\r\n" + content).split(b"\r\n--" + boundary.encode("latin-1"))
    if not parts or not parts.pop().startswith(b"--"):
        raise BadJob.field("body", "ends before its closing boundary; send all of it")
    if len(parts) > MAX_FIELDS:
        raise BadJob.field("body", f"has more than {MAX_FIELDS} fields")
    return nested(_pair(part) for part in parts)


def nested(pairs: Iterable[Pair]) -> JSONObject:
    """The object of these names and values; a list where the names inside a field are 0, 1 and so on."""
    tree: Tree = {}
    for name, value in pairs:
        _plant(tree, name, value)
    return {name: _grown(branch) for name, branch in tree.items()}


def parameters(header: str) -> Mapping[str, str]:
    """The parameters of a header's value, `form-data; name="a"`, by their names in lower case."""
    return {
        name.lower(): _QUOTED_PAIR.sub(r"\1", quoted) or plain
        for name, quoted, plain in _PARAMETER.findall(header)
    }


def _pair(part: bytes) -> Pair:
    head, blank, value = part.partition(b"\r\n\r\n")
    try:
        lines = head.decode("utf-8").split("\r\n")
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJob.field("body", "not UTF-8; send UTF-8 text") from error
    said = [line for line in lines if line.lower().startswith("content-disposition:")]
    named = parameters(said[0]) if said else {}
    if not blank or lines[0] or "name" not in named:
        raise BadJob.field("body", "has a part without a name; send form fields only")
    if "filename" in named:
        raise BadJob.field(named["name"], "is a file; send form fields only")
    return named["name"], text


def _plant(tree: Tree, name: str, value: str) -> None:
    *branches, leaf = _path(name)
    for branch in branches:
        tree = _branch(tree, branch, name)
    key = leaf or str(len(tree))
    if key in tree:
        raise BadJob.field(name, "stands twice in the form; send it once")
    tree[key] = _number(value) if name in NUMERIC else value


def _number(text: str) -> str | int | float:
    """The number that the text is, or the text: whoever needs a number will name the field."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return float(text) if found[1] else int(text)


def _path(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadJob.field("body", f"{name[:100]!a} is no field name; write a or a[b][c]")
    path = [found[1], *_INDEX.findall(found[2])]
    if len(path) > MAX_NESTING:
        raise BadJob.field("body", f"nested deeper than {MAX_NESTING}")
    return path


def _branch(tree: Tree, key: str, name: str) -> Tree:
    branch = tree.setdefault(key or str(len(tree)), {})
    if not isinstance(branch, dict):
        raise BadJob.field(name, "is both a value and an object in the form; send one of the two")
    return branch


def _grown(tree: "Tree | str | int | float") -> JSON:
    if not isinstance(tree, dict):
        return tree
    if list(tree) == [str(index) for index in range(len(tree))]:
        return [_grown(branch) for branch in tree.values()]
    return {key: _grown(branch) for key, branch in tree.items()}
