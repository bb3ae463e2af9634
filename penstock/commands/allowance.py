"""Which programs exec commands may run: patterns of the configuration, matched whole."""

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.errors import NotAllowed, SettingsError
from penstock.serialization import encode

KEY = "[commands.exec] allow"
ANY_ARGUMENTS = "**"

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Allowance:
    """One pattern: a program, and the arguments that it may get.

    Its words are split as a shell would. The first is matched with the real path of the program;
    `*` stands for any letters but never crosses a slash. Each further word is matched with one
    argument, where a `*` that begins a word matches no `-`, so that no option slips in, and `..`
    is never matched. A last word `**` lets any further arguments pass; without further words
    there may be none.
    """

    program: re.Pattern[str]
    arguments: tuple[re.Pattern[str], ...]
    more: bool

    @classmethod
    def parse(cls, pattern: str) -> "Allowance":
        """The pattern, read; SettingsError where it is none."""
        words = _words(pattern)
        more = words[-1] == ANY_ARGUMENTS
        arguments = words[1:-1] if more else words[1:]
        if not words[0].startswith("/") or any("**" in word for word in (words[0], *arguments)):
            raise _bad_pattern(pattern)
        return cls(_matcher(words[0]), tuple(_argument_matcher(word) for word in arguments), more)

    def permits(self, argv: Sequence[str]) -> bool:
        """Whether this program may run with these arguments."""
        return self.knows(argv[0]) and self._permits_arguments(argv[1:])

    def knows(self, program: str) -> bool:
        """Whether this program may run at all."""
        return self.program.fullmatch(program) is not None

    def _permits_arguments(self, given: Sequence[str]) -> bool:
        if len(given) < len(self.arguments) or (len(given) > len(self.arguments) and not self.more):
            return False
        return all(
            pattern.fullmatch(argument)
            for pattern, argument in zip(self.arguments, given, strict=False)
        )


class Allowances:
    """All patterns of the configuration."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._all = [Allowance.parse(pattern) for pattern in patterns]

    def permitted(self, argv: Sequence[str], *, field: str) -> Sequence[str]:
        """The same with the real path of the program, if it may run.

        Else NotAllowed, naming the field that the words came from and the line to add.
        """
        real = [real_path(argv[0]), *argv[1:]]
        if any(one.permits(real) for one in self._all):
            return real
        known = any(one.knows(real[0]) for one in self._all)
        raise (_refused_arguments if known else _refused_program)(real, field)


def real_path(program: str) -> str:
    """Where the program really is; a bare name is looked up on the PATH."""
    found = program if "/" in program else shutil.which(program)
    return os.path.realpath(found or program)


def _words(pattern: str) -> list[str]:
    try:
        words = shlex.split(pattern)
    except ValueError as error:
        raise _bad_pattern(pattern) from error
    if not words:
        raise _bad_pattern(pattern)
    return words


def _matcher(word: str) -> re.Pattern[str]:
    """Matches in a time that grows with the text alone, as whoever sends the text may mean harm.

    So what stands between two `*` is looked for once, where it comes first: if the rest does not
    match after that place, it does after none.
    """
    first, *parts = (re.escape(part) for part in word.split("*"))
    between = "".join(f"(?>[^/]*?{part})" for part in parts[:-1])
    last = f"[^/]*?{parts[-1]}" if parts else ""
    return re.compile(f"{first}{between}{last}", re.DOTALL)


def _argument_matcher(word: str) -> re.Pattern[str]:
    no_option = "(?!-)" if word.startswith("*") else ""
    no_parent = "" if ".." in word else r"(?!(?:.*/)?\.\.(?:/|$))"
    return re.compile(no_option + no_parent + _matcher(word).pattern, re.DOTALL)


def _refused_program(argv: Sequence[str], field: str) -> NotAllowed:
    program = argv[0][:_SHOWN]
    return NotAllowed(
        f"exec commands may not run {program!a}", field=field, add=_line([shlex.quote(program)])
    )


def _refused_arguments(argv: Sequence[str], field: str) -> NotAllowed:
    program, given = argv[0][:_SHOWN], argv[1 : _SHOWN + 1]
    return NotAllowed(
        f"exec commands may not run {program!a} with these {len(argv) - 1} arguments",
        field=field,
        add=_line([shlex.quote(program), *(_pattern_for(argument) for argument in given)]),
    )


def _pattern_for(argument: str) -> str:
    return "*" if _argument_matcher("*").fullmatch(argument) else shlex.quote(argument[:_SHOWN])


def _line(words: Sequence[str]) -> str:
    return f"{KEY} = [{encode(' '.join(words))}]"


def _bad_pattern(pattern: str) -> SettingsError:
    return SettingsError(
        f"{KEY}: {pattern!r} is no pattern; write an absolute path, then a pattern for each argument, "
        f"or {ANY_ARGUMENTS} last for any arguments"
    )
