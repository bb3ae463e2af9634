"""The durable engine that needs no server: one SQLite file, several processes."""

from penstock.engines.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
