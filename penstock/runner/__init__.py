"""Claims jobs and runs them."""

from penstock.runner.runner import Runner

__all__ = ["Runner"]
