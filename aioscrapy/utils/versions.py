"""The versions of the libraries that a crawl uses."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from aioscrapy.version import __version__

_LIBRARIES = ("lxml", "parsel", "cssselect", "w3lib", "Twisted", "pyOpenSSL", "cryptography")


def get_versions(software: list[str] | None = None) -> list[tuple[str, str]]:
    """Return (name, version) of these libraries; by default of the most important ones."""
    return [(name, _version(name)) for name in software or ["Scrapy", *_LIBRARIES, "Python", "Platform"]]


def scrapy_components_versions() -> list[tuple[str, str]]:
    """Return (name, version) of the most important libraries."""
    return get_versions()


def _version(name: str) -> str:
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
