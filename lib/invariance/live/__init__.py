"""Explorers: what readers move, in a page and in a notebook."""
