"""Workers in other programs: they claim over the wire, and name what they hold by an opaque text."""

from penstock.remote.remote import Given, Remote
from penstock.remote.wish import UNCLAIMABLE, Wish

__all__ = ["UNCLAIMABLE", "Given", "Remote", "Wish"]
