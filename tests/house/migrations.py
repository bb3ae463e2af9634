"""A migration is added, never edited, and leaves what the release before works with; what takes away says so."""

import re
from collections.abc import Iterator
from pathlib import Path

NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+?(?:_needs_(?P<needs>\d{4}))?\.sql")
COMMENT = re.compile(r"--.*")
BODY = re.compile(r"(?<!do )(\$\w*\$).*?\1", re.DOTALL)  # of a function, which does nothing yet

# What an older release would notice: something it uses is gone or is called otherwise, or what it writes is refused.
TAKES_AWAY = {
    r"\bdrop\b(?!\s+trigger\b)": "drops",  # of a trigger no release knows the name
    r"\brename\b": "renames",
    r"\btruncate\b": "empties a table",
    r"\bdelete\s+from\b": "deletes rows",
    r"\balter\s+column\b|\bmodify\b|\bchange\s+column\b": "changes a column",
    r"\bcreate\s+unique\s+index\b|\badd\s+unique\b": "makes a column unique",
    r"\badd\s+(?:constraint|check|foreign|primary)\b": "adds a condition",
    r"\badd\s+column\b(?:(?!\bdefault\b|,|;).)*\bnot\s+null\b(?:(?!\bdefault\b|,|;).)*(?:,|;|$)": (
        "adds a column that must be given"
    ),
}
# MariaDB commits each statement by itself: the next process begins again at the first.
REPEATABLE = re.compile(r"\bif\s+(?:not\s+)?exists\b|\bor\s+replace\b")
ONCE = re.compile(r"^\s*(?:create|alter|drop|rename|insert|update|delete|truncate)\b")


def wrong_migrations(root: Path) -> list[str]:
    """Migrations that are out of order, that keep older releases out and do not say so, or that cannot be repeated."""
    folders = sorted((root / "penstock/engines").glob("*/migrations"))
    return [problem for folder in folders for problem in _problems(root, folder)]


def _problems(root: Path, folder: Path) -> Iterator[str]:
    files = sorted(folder.glob("*.sql"))
    for number, file in enumerate(files, start=1):
        where = file.relative_to(root)
        named = NAME.fullmatch(file.name)
        if named is None or int(named["number"]) != number:
            yield f"{where}: call it {number:04}_<what>.sql, or {number:04}_<what>_needs_NNNN.sql"
            continue
        if named["needs"] and not 0 < int(named["needs"]) <= number:
            yield f"{where}: needs a schema from 0001 to {number:04}"
        text = BODY.sub("", COMMENT.sub("", file.read_text("utf-8")).lower())
        if number > 1 and not named["needs"]:
            yield from (f"{where} {told}; say what it needs" for told in _taken_away(text))
        if folder.parent.name == "mariadb":
            yield from (f"{where}: cannot be repeated: {one}" for one in _unrepeatable(text))


def _taken_away(text: str) -> Iterator[str]:
    return (told for pattern, told in TAKES_AWAY.items() if re.search(pattern, text, re.DOTALL))


def _unrepeatable(text: str) -> Iterator[str]:
    for statement in text.split(";\n"):
        if ONCE.search(statement) and not REPEATABLE.search(statement):
            yield " ".join(statement.split())[:60]
