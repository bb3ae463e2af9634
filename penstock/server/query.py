"""What may stand behind the `?` of a path: each parameter once, and none that the path does not know."""

from collections import Counter
from collections.abc import Collection, Mapping

from starlette.requests import Request

from penstock.errors import BadJob, FieldError
from penstock.settings import nearest

MOST_ERRORS = 10

_COMPARED = 50  # characters of an unknown name


def query(request: Request, known: Collection[str] = ()) -> Mapping[str, str]:
    """The parameters by name; BadJob naming those that are unknown or stand there twice."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    wrong = [name for name, count in counted.items() if count > 1 or name not in known]
    if wrong:
        raise BadJob([FieldError(name, _why(name, known)) for name in wrong[:MOST_ERRORS]])
    return dict(request.query_params)


def _why(name: str, known: Collection[str]) -> str:
    if name in known:
        return "stands there more than once; send it once"
    if not known:
        return "is unknown; this path takes no parameters"
    return f"is unknown; {nearest(name[:_COMPARED], known)}"
