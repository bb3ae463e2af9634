"""Names for tests: a resolver that knows what it is told, and remembers what it was asked."""

import socket
from collections.abc import Mapping, Sequence


class Names:
    """Answers from a table; any other name does not exist."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses in the table."""
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.answers[host]
