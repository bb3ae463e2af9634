"""PostgreSQL (15 or newer): one statement a verb."""

from penstock.engines.postgresql.engine import PostgresqlEngine

__all__ = ["PostgresqlEngine"]
