"""The command line: thin verbs over the application."""

from penstock.cli.main import main

__all__ = ["main"]
