"""PostgreSQL (15 or newer): one statement a verb. A proof that the seam fits a server store, not yet for use."""

from penstock.engines.postgresql.engine import PostgresqlEngine

__all__ = ["PostgresqlEngine"]
