"""The version of the distribution, in its only place: pyproject.toml reads it from here."""

# A constant: importlib.metadata would slow down the start of every job.
__version__ = "0.1.0"
