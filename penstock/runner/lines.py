"""The lines of a finite run, as the classic's runJobs.php prints them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from penstock.job import Job
from penstock.serialization import JSON, JSONObject

LONGEST_VALUE = 1024  # characters; a longer value is shown by its length
LONGEST_ELEMENT = 512  # of an element of a list or an object, as JSON
MOST_ELEMENTS = 10

_NAMESPACES = {
    -2: "Media", -1: "Special", 0: "", 2: "User", 4: "Project", 6: "File", 8: "MediaWiki", 10: "Template",
    12: "Help", 14: "Category",
}  # fmt: skip


def describe_run(job: Job, params: JSONObject, *, metadata: bool) -> str:
    """`<type> <title> k=v …` and, if wanted, `(id=…,timestamp=…)`."""
    shown = [f"{key}={render(value)}" for key, value in params.items()]
    parts = [job.type, title(job, params), *shown]
    if metadata:
        parts.append(f"(id={job.id},timestamp={job.pushed_at.astimezone(UTC):%Y%m%d%H%M%S})")
    return _one_line(" ".join(parts))


def starting(now: datetime, run: str) -> str:
    """The line before a job runs."""
    return f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} {run} STARTING"


def ended(now: datetime, run: str, milliseconds: int, error: str | None) -> str:
    """The line after a job ran: `good`, or `error=` and the text, which may be empty."""
    outcome = "good" if error is None else f"error={_one_line(error)}"
    return f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} {run} t={milliseconds} {outcome}"


def title(job: Job, params: JSONObject) -> str:
    """The title that the params `namespace` and `title` make, else the job's context; spaces as underscores."""
    name = params.get("title")
    if not isinstance(name, str):
        return job.details.context.replace(" ", "_")
    prefix = _prefix(params.get("namespace"))
    return f"{prefix}{name}".replace(" ", "_")


def render(value: JSON) -> str:
    """A value of params: text as it is, true as 1, false and null empty, the rest as JSON.

    A value longer than 1,024 characters is shown by its length.
    """
    text = _text(value)
    return f"string({len(text)})" if len(text) > LONGEST_VALUE else text


def _text(value: JSON) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | Sequence):
        return _nested(value)
    return _json(value)


def _nested(value: Mapping[str, JSON] | Sequence[JSON]) -> str:
    if len(value) > MOST_ELEMENTS:
        return f"array({len(value)})"
    if isinstance(value, Mapping):
        return _json({key: _element(item) for key, item in value.items()})
    return _json([_element(item) for item in value])


def _element(value: JSON) -> JSON:
    if len(_json(value)) <= LONGEST_ELEMENT:
        return value
    if isinstance(value, str):
        return f"string({len(value)})"
    return f"array({len(value)})" if isinstance(value, Mapping | Sequence) else value


def _json(value: JSON) -> str:
    """JSON in ASCII, with `/` as it is."""
    text = msgspec.json.encode(value).decode()
    return "".join(c if c.isascii() else _escape(c) for c in text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _prefix(namespace: JSON) -> str:
    if not isinstance(namespace, int) or isinstance(namespace, bool):
        return ""
    subject = namespace - namespace % 2 if namespace >= 0 else namespace
    name = _NAMESPACES.get(subject, str(subject) if subject else "")
    talk = namespace >= 0 and namespace % 2
    words = f"{name} talk".strip() if talk else name
    return f"{words[:1].upper()}{words[1:]}:" if words else ""


def _one_line(text: str) -> str:
    """Control characters written out: a job's words can forge no line and move no cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
