"""Amazon's client library."""

from importlib.util import find_spec


def is_botocore_available() -> bool:
    """Return True if botocore is installed."""
    return find_spec("botocore") is not None
