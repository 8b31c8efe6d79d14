"""The version of the distribution, in its only place: pyproject.toml reads it from here."""

# A constant: importlib.metadata would slow down the start of every job.
__version__ = "0.1.0"

version_info = tuple(int(part) for part in __version__.split("."))


def version_of(name: str) -> str:
    """Return the version of a library, of Python, or of the platform."""
    import platform
    import sys
    from importlib.metadata import PackageNotFoundError, version

    if name == "Python":
        return sys.version.replace("\n", "- ")
    if name == "Platform":
        return platform.platform()
    if name in ("Scrapy", "aioscrapy"):
        return __version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
