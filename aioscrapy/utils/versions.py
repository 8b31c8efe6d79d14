"""The versions of the libraries that a crawl uses."""

from aioscrapy.version import version_of

_LIBRARIES = ("lxml", "parsel", "cssselect", "w3lib", "Twisted", "pyOpenSSL", "cryptography")


def get_versions(software: list[str] | None = None) -> list[tuple[str, str]]:
    """Return (name, version) of these libraries; by default of the most important ones."""
    return [(name, version_of(name)) for name in software or ["Scrapy", *_LIBRARIES, "Python", "Platform"]]


def scrapy_components_versions() -> list[tuple[str, str]]:
    """Return (name, version) of the most important libraries."""
    return get_versions()
