"""URLs: their domains, schemes and parts; w3lib has the rest."""

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import ParseResult, urldefrag, urlparse, urlunparse

from w3lib.url import (
    add_or_replace_parameter,
    add_or_replace_parameters,
    any_to_uri,
    canonicalize_url,
    file_uri_to_path,
    is_url,
    parse_data_uri,
    parse_url,
    path_to_file_uri,
    safe_download_url,
    safe_url_string,
    url_query_cleaner,
    url_query_parameter,
)

__all__ = [
    "add_http_if_no_scheme",
    "add_or_replace_parameter",
    "add_or_replace_parameters",
    "any_to_uri",
    "canonicalize_url",
    "escape_ajax",
    "file_uri_to_path",
    "guess_scheme",
    "is_url",
    "parse_data_uri",
    "parse_url",
    "path_to_file_uri",
    "safe_download_url",
    "safe_url_string",
    "strip_url",
    "url_has_any_extension",
    "url_is_from_any_domain",
    "url_is_from_spider",
    "url_query_cleaner",
    "url_query_parameter",
]

Url = str | bytes | ParseResult

_POSIX_PATH = re.compile(r"(\.(\.|[^/.]+)?|~)?/.")
_WINDOWS_PATH = re.compile(r"[a-z]:\\|\\\\", re.IGNORECASE)
_DEFAULT_PORTS = {("http", 80), ("https", 443), ("ftp", 21)}


def url_is_from_any_domain(url: Url, domains: Iterable[str]) -> bool:
    """Return True if the host is one of these domains or below one."""
    host = parse_url(url).netloc.lower()
    return bool(host) and any(host == name or host.endswith(f".{name}") for name in map(str.lower, domains))


def url_is_from_spider(url: Url, spider: Any) -> bool:
    """Return True if the host is of the spider's domains, or of its name."""
    return url_is_from_any_domain(url, _domains(spider))


def _domains(spider: Any) -> Iterator[str]:
    yield spider.name
    domains = getattr(spider, "allowed_domains", None)
    if isinstance(domains, property):
        warnings.warn(
            f"{spider.__name__}.allowed_domains is a property, which a class can't evaluate: it is ignored",
            stacklevel=3,
        )
    elif domains:
        yield from domains


def url_has_any_extension(url: Url, extensions: Iterable[str]) -> bool:
    """Return True if the path ends with one of these extensions, such as ".pdf"."""
    return parse_url(url).path.lower().endswith(tuple(extensions))


def add_http_if_no_scheme(url: str) -> str:
    """Return the URL with http:// before it if it has no scheme."""
    if re.match(r"\w+://", url):
        return url
    return f"http:{url}" if urlparse(url).netloc else f"http://{url}"


def guess_scheme(url: str) -> str:
    """Return the URL with file:// before a path, http:// before a host."""
    if _POSIX_PATH.match(url) or _WINDOWS_PATH.match(url):
        return str(any_to_uri(url))
    return add_http_if_no_scheme(url)


def escape_ajax(url: str) -> str:
    """Return the crawlable URL of a page with #! (a scheme of search engines that has ended)."""
    defragmented, fragment = urldefrag(url)
    if not fragment.startswith("!"):
        return url
    return str(add_or_replace_parameter(defragmented, "_escaped_fragment_", fragment[1:]))


def strip_url(
    url: str,
    strip_credentials: bool = True,
    strip_default_port: bool = True,
    origin_only: bool = False,
    strip_fragment: bool = True,
) -> str:
    """Return the URL without login, default port and fragment; only scheme and host with `origin_only`."""
    parts = urlparse(url)
    netloc = parts.netloc
    if (strip_credentials or origin_only) and (parts.username or parts.password):
        netloc = netloc.rpartition("@")[2]
    if strip_default_port and parts.port and (parts.scheme, parts.port) in _DEFAULT_PORTS:
        netloc = netloc.removesuffix(f":{parts.port}")
    return urlunparse(
        (
            parts.scheme,
            netloc,
            "/" if origin_only else parts.path,
            "" if origin_only else parts.params,
            "" if origin_only else parts.query,
            "" if strip_fragment or origin_only else parts.fragment,
        )
    )
