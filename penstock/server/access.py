"""Who may call us, under which name, and from which page: addresses, Host, Origin.

A page of any origin can make a browser post to loopback, and a name of its own can be made to point there; so a request
passes only from an allowed address, under a known Host, and, if it changes anything, from no other page than ours.
"""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.errors import NotAllowed, SettingsError
from penstock.server.addresses import Address, Addresses, address_of
from penstock.settings import ServerSettings

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# `none`: typed by the user. `same-site` is foreign: to it, all ports of a machine are one site.
OWN_FETCHES = frozenset({"same-origin", "none"})

_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(.+)", re.IGNORECASE)
_SHOWN = 100


class Access:
    """Lets through to the application what may pass; NotAllowed for the rest."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._callers = Callers(settings)
        self._names = Names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, if it may pass."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            peer, own = scope.get("client"), scope.get("server")
            self._callers.check(peer[0] if peer else "", headers.getlist("x-forwarded-for"))
            self._names.check(headers.getlist("host"), own[0] if own else "")
            if scope["method"] not in SAFE:
                check_page(headers)
        await self._app(scope, receive, send)


class Callers:
    """The addresses that may call us."""

    def __init__(self, settings: ServerSettings) -> None:
        self._allowed = Addresses(settings.allow, "[server] allow")
        self._proxies = Addresses(settings.trusted_proxies, "[server] trusted_proxies")

    def check(self, peer: str, forwarded: Sequence[str]) -> None:
        """Nothing, if the caller may call; a proxy that we trust calls for whom it says."""
        caller = self._behind(peer, forwarded)
        if caller is None:
            raise NotAllowed("it cannot be told from which address this request comes")
        if caller not in self._allowed:
            raise NotAllowed(
                f"address {caller} may not call this server",
                add=f'[server] allow = [..., "{caller}"]',
            )

    def _behind(self, peer: str, forwarded: Sequence[str]) -> Address | None:
        """The nearest address that is no proxy of ours; None where the chain cannot be read."""
        caller = address_of(peer)
        hops = ",".join(forwarded).split(",") if forwarded else []
        while hops and caller is not None and caller in self._proxies:
            caller = address_of(hops.pop().strip())
        return caller


class Names:
    """The names under which we may be called, with any port."""

    def __init__(self, settings: ServerSettings) -> None:
        for name in settings.hosts:
            found = _HOST.fullmatch(name)
            if found is None or found[1] != name:
                raise SettingsError(
                    f"[server] hosts: {name!r} is no host name; write it without scheme and port"
                )
        self._known = OWN_NAMES | {name.lower() for name in settings.hosts}

    def check(self, hosts: Sequence[str], own: str) -> None:
        """Nothing, if the Host header names us: by a known name, or by the address that was called."""
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        name = found[1].lower() if found else ""
        if name in self._known or (name and _same_address(name.strip("[]"), own)):
            return
        if not name:
            raise NotAllowed("the request has no usable Host header; send one")
        raise NotAllowed(
            f"this server is not called {name[:_SHOWN]!a}",
            add=f'[server] hosts = [..., "{name[:_SHOWN]}"]',
        )


def check_page(headers: Headers) -> None:
    """Nothing, if no page, or one of our own, makes this request; browsers say so, others send neither header."""
    host = headers.get("host", "").lower()
    for origin in headers.getlist("origin"):
        found = _ORIGIN.fullmatch(origin)
        if found is None or found[1].lower() != host:
            raise NotAllowed(f"pages of the origin {origin[:_SHOWN]!a} may not make this request")
    for site in headers.getlist("sec-fetch-site"):
        if site.lower() not in OWN_FETCHES:
            raise NotAllowed(f"requests of other pages ({site[:_SHOWN]!a}) are refused")


def _same_address(name: str, own: str) -> bool:
    address = address_of(name)
    return address is not None and address == address_of(own)
