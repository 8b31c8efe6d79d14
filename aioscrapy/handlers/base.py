"""What a download handler is: the one seam between a crawl and the network."""

from abc import ABC, abstractmethod
from typing import Any, Self

from aioscrapy.exceptions import SettingError, UnsupportedURLSchemeError
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

# The client itself sends the length of the body. A wrong one, as in headers copied from a browser, cuts the
# body or makes the server wait for the rest.
LENGTH = "Content-Length"


def bind_address(value: Any) -> tuple[str, int] | None:
    """Return DOWNLOAD_BIND_ADDRESS as host and port; port 0 is any.

    Raises:
        SettingError: it is neither a host nor a pair.
    """
    try:
        host, port = (value, 0) if isinstance(value, str) else value or (None, 0)
        return (str(host), int(port)) if host else None
    except (TypeError, ValueError):
        raise SettingError("DOWNLOAD_BIND_ADDRESS", f"{value!r} is not a host or (host, port)") from None


def http_proxy(proxy: str) -> str:
    """Return the URL of a proxy, for a library that knows no proxies of SOCKS.

    Raises:
        UnsupportedURLSchemeError: it is not a proxy of HTTP.
    """
    scheme, separator, _ = proxy.partition("://")
    if not separator:
        return f"http://{proxy}"
    if scheme.lower() not in {"http", "https"}:
        raise UnsupportedURLSchemeError(
            f"a proxy of {scheme}:// needs another library than aiohttp: set DOWNLOAD_HANDLERS_TYPE"
        )
    return proxy


class DownloadHandler(ABC):
    """Downloads the requests of a URL scheme; made by `from_crawler`, `from_settings` or as it is."""

    @abstractmethod
    async def download_request(self, request: Request, spider: Any) -> Response:
        """Fetch one request, redirects not followed, cookies not kept.

        Raises:
            DownloadError: no response; DownloadTimeoutError and ResponseTooLargeError are kinds of it.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""


class BaseDownloadHandler(ABC):
    """Scrapy's base class of download handlers: `download_request` has no argument `spider`."""

    lazy = False

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it."""
        return cls(crawler)

    @abstractmethod
    async def download_request(self, request: Request) -> Response:
        """Fetch one request."""

    async def close(self) -> None:  # noqa: B027 it need not be replaced
        """Do nothing; for subclasses."""
