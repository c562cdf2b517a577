"""Invariance in transfer learning: the library behind the interactive research book."""

__version__ = "0.1.0"
