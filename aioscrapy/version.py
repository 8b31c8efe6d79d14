"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTION = "aioscrapy-scrapyd"
_NOT_INSTALLED = "0.1.0"  # as in pyproject.toml, for a source tree that runs without being installed


def _installed() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return _NOT_INSTALLED


__version__ = _installed()
