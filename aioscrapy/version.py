"""The version of this package; pyproject.toml has the same."""

__version__ = "0.1.0"  # not from importlib.metadata: importing that would slow down the start of every job
