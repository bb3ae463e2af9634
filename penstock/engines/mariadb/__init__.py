"""MariaDB (10.6 or newer): many processes on many hosts, on a server that operators already have."""

from penstock.engines.mariadb.engine import MariadbEngine

__all__ = ["MariadbEngine"]
