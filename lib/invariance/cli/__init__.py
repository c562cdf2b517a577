"""The command line: `invariance …`. The Makefile's targets end here."""

from invariance.cli import book, models, studies  # each adds its commands
from invariance.cli.app import app

__all__ = ["app", "book", "models", "studies"]
