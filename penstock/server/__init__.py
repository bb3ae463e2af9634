"""The HTTP front door: the Queue Server's paths and our own, over the same queues."""

from penstock.server.routes import build

__all__ = ["build"]
