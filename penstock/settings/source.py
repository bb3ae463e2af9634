"""Where a setting was written: the line of the file, or the variable."""

import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TypeAlias

from penstock.errors import SettingsError

Keys: TypeAlias = tuple[str, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_PATH = rf"({_PART}(?:\s*\.\s*{_PART})*)"
_HEADER = re.compile(rf"\s*\[\[?\s*{_PATH}\s*\]")
_KEY = re.compile(rf"\s*{_PATH}\s*=")


class Source:
    """Knows where each key stands."""

    def __init__(self, path: Path | None, text: str) -> None:
        self._path = path
        self._lines = _lines(text)
        self.variables: MutableMapping[Keys, str] = {}

    def refusal(self, keys: Keys, detail: str) -> SettingsError:
        """The error that names the place of a key, the key, and what is wrong with it."""
        *sections, key = keys
        name = f"[{'.'.join(sections)}] {key}" if sections else key
        return SettingsError(f"{self.place(keys)}: {name}: {detail}")

    def refusal_of_section(self, keys: Keys, detail: str) -> SettingsError:
        """The error that names the place of a section, the section, and what is wrong with it."""
        return SettingsError(f"{self.place(keys)}: [{'.'.join(keys)}]: {detail}")

    def place(self, keys: Keys) -> str:
        """The variable or the line that set the key, else of the nearest section around it."""
        for length in range(len(keys), 0, -1):
            around = keys[:length]
            if around in self.variables:
                return self.variables[around]
            if around in self._lines:
                return f"{self._path}:{self._lines[around]}"
            below = [name for set, name in self.variables.items() if set[:length] == around]
            if below:
                return below[0]
        return str(self._path or "environment")


def _lines(text: str) -> Mapping[Keys, int]:
    """The first line of each key and section, as far as lines show it; TOML's parser does not tell."""
    found: dict[Keys, int] = {}
    section: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header is not None:
            section = _keys(header[1])
            keys = section
        elif key is not None:
            keys = (*section, *_keys(key[1]))
        else:
            continue
        for length in range(1, len(keys) + 1):
            found.setdefault(keys[:length], number)
    return found


def _keys(path: str) -> Keys:
    return tuple(_walk(tomllib.loads(f"{path} = 0")))


def _walk(tree: object) -> Iterator[str]:
    while isinstance(tree, dict):
        [(key, tree)] = tree.items()
        yield key
