"""Tests of a link's URL: its scheme, its domain, the extension of its path."""

import posixpath
from collections.abc import Collection, Iterable
from re import Pattern
from typing import Any
from urllib.parse import ParseResult, urlparse

_SCHEMES = frozenset({"http", "https", "file", "ftp"})

_ARCHIVES = "7z 7zip bz2 rar tar tar.gz xz zip"
_IMAGES = "mng pct bmp gif jpg jpeg png pst psp tif tiff ai drw dxf eps ps svg cdr ico webp"
_AUDIO = "mp3 wma ogg wav ra aac mid au aiff"
_VIDEO = "3gp asf asx avi mov mp4 mpg qt rm swf wmv m4a m4v flv webm"
_OFFICE = "xls xlsm xlsx xltm xltx potm potx ppt pptm pptx pps doc docb docm docx dotm dotx odt ods odg odp"
_OTHER = "css pdf exe bin rss dmg iso apk jar sh rb js hta bat cpl msi msp py"
IGNORED_EXTENSIONS = " ".join([_ARCHIVES, _IMAGES, _AUDIO, _VIDEO, _OFFICE, _OTHER]).split()
"""Extensions of files that are usually not pages: a LinkExtractor leaves them out by default."""


def matches_any(text: str, patterns: Iterable[Pattern[str]]) -> bool:
    """Return True if a pattern is found in the text."""
    return any(pattern.search(text) for pattern in patterns)


def has_page_scheme(url: str) -> bool:
    """Return True for a URL that a crawler can fetch: http, https, ftp, file."""
    return url.partition("://")[0] in _SCHEMES


def url_is_from_any_domain(url: str | ParseResult, domains: Iterable[str]) -> bool:
    """Return True if the host of a URL (with its port, if it has one) is a domain or below one."""
    host = _parsed(url).netloc.lower()
    if not host:
        return False
    return any(host == domain or host.endswith(f".{domain}") for domain in map(str.lower, domains))


def url_is_from_spider(url: str | ParseResult, spider: Any) -> bool:
    """Return True if the URL belongs to the spider's `allowed_domains`, or to a domain that is its name."""
    return url_is_from_any_domain(url, [spider.name, *(getattr(spider, "allowed_domains", None) or ())])


def url_has_any_extension(url: str | ParseResult, extensions: Collection[str]) -> bool:
    """Return True if the path of a URL ends with one of the extensions, which begin with a dot."""
    path = _parsed(url).path.lower()
    if posixpath.splitext(path)[1] in extensions:
        return True
    return any(extension.count(".") > 1 and path.endswith(extension) for extension in extensions)


def _parsed(url: str | ParseResult) -> ParseResult:
    return url if isinstance(url, ParseResult) else urlparse(url)
