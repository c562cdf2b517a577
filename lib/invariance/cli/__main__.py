"""`python -m invariance.cli`, for where the script is not on the path."""

from invariance.cli import app

app()
