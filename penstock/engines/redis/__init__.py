"""Redis (6.2 or newer): one script a verb, everything of a store under one hash tag."""

from penstock.engines.redis.engine import RedisEngine

__all__ = ["RedisEngine"]
