"""Where a redirect leads, if it is one that may be followed."""

from urllib.parse import urljoin

from penstock.commands.answer import Answer
from penstock.commands.request import Request
from penstock.commands.target import check_letters, parse_target
from penstock.errors import BadJob

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_SAFE = frozenset({"GET", "HEAD"})


def redirected(request: Request, answer: Answer) -> Request | None:
    """The next request; None where the answer is no redirect, or asks for more than is given.

    Followed without a body, with GET unless it was HEAD, and with the command's own headers only within one
    origin. Not followed: a 307 or 308 that wants a body sent again, and a step from https to http.
    BadJob for a Location that is no clean URL.
    """
    location = answer.headers.get("location", "")
    if answer.status not in _REDIRECTS or not location:
        return None
    if answer.status in _SAME_METHOD and request.method not in _SAFE:
        return None
    check_letters(location)  # before it is joined: the library drops what it does not like
    try:
        target = parse_target(urljoin(request.target.url, location))
    except ValueError as error:
        raise BadJob.field("url", f"redirected to what is no URL: {error}") from error
    if request.target.scheme == "https" and target.scheme != "https":
        return None
    return request.redirected(target)
