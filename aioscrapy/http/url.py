"""Cheap URL work: one regular expression says that a URL is plain; only others take the long road."""

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin

# A plain URL is one that w3lib.url.safe_url_string and urllib.parse.urljoin give back unchanged. The classes
# are narrower than RFC 3986 allows: what they leave out is slower, never wrong.
_HOST = r"https?://(?:[a-z0-9][a-z0-9_-]{0,61}\.)*[a-z0-9][a-z0-9_-]{0,61}(?::(?:[1-5][0-9]{4}|6[0-4][0-9]{3}|[1-9][0-9]{0,3}))?"
_CHARS = r"A-Za-z0-9_~.\-!$&()*+,=@"
_PATH = rf"/[{_CHARS}:/%]*"
_TAIL = rf"(?:\?[{_CHARS}:/%]+)?(?:#[{_CHARS}:/%?]+)?"

_is_plain = re.compile(rf"{_HOST}(?:{_PATH}{_TAIL})?").fullmatch
_stray_percent = re.compile(r"%(?![0-9A-Fa-f]{2})").search
# Group 1: absolute, group 2: from the host's root, group 3: from the page's folder. An empty segment ("//")
# takes the long road: urljoin treats it in its own way.
_href_kind = re.compile(
    rf"({_HOST}(?:{_PATH}{_TAIL})?)"
    rf"|(/(?:[{_CHARS}:%]+/)*[{_CHARS}:%]*{_TAIL})"
    rf"|([{_CHARS}%]+(?:/[{_CHARS}:%]+)*/?{_TAIL})"
).fullmatch
_plain_base = re.compile(rf"({_HOST})(?:(/(?:[{_CHARS}:%]+/)*)[{_CHARS}:%]*)?(?:\?[^#;]*)?(?:#.*)?").fullmatch

_joined = "no link yet"  # the very str that `join` made last: it is plain, and a request for it comes at once

HTML_WHITESPACE = " \t\n\r\f"


class Base(NamedTuple):
    """A page's URL, taken apart once for all links of the page; `origin` is "" where it isn't plain."""

    url: str
    origin: str
    folder: str


def split_base(url: str) -> Base:
    """Take apart the URL that a page's links are relative to."""
    match = _plain_base(url)
    if match is None or "/." in url:
        return Base(url, "", "")
    origin = match[1]
    return Base(url, origin, origin + (match[2] or "/"))


def join(base: Base, href: str) -> str:
    """Return what `urllib.parse.urljoin(base.url, href)` returns, for plain links without its cost."""
    global _joined  # noqa: PLW0603 a slot for one link costs less than to look again
    match = _href_kind(href) if base.origin else None
    if match is None or "/." in href or href[0] == ".":
        return urljoin(base.url, href)
    kind = match.lastindex
    if kind == 1:
        return href
    url = (base.origin if kind == 2 else base.folder) + href
    if "%" not in url:
        _joined = url
    return url


def clean_url(url: Any, encoding: str) -> str:
    """Return the URL as it may be sent, non-ASCII and unsafe characters percent-encoded.

    `url` may also be a Selector that holds an attribute or a text.

    Raises:
        TypeError: neither a string nor such a Selector.
        ValueError: the URL is relative, or has no scheme.
    """
    if not isinstance(url, str):
        url = href_of(url)
    if url is _joined:
        return url
    if _is_plain(url) and ("%" not in url or not _stray_percent(url)):
        return str(url)
    from w3lib.url import safe_url_string

    safe: str = safe_url_string(url, encoding)
    if "://" not in safe and not safe.startswith(("about:", "data:")):
        raise ValueError(f"Missing scheme in request url: {safe}")
    return safe


def href_of(link: Any) -> str:
    """Return the URL in a Selector: an attribute, a text, or the href of an <a> or <link> element.

    An object with a `url` (a Link of Scrapy's extractors) gives that.

    Raises:
        TypeError: no string, Selector or link.
        ValueError: a Selector that has no URL, or a list of Selectors.
    """
    if isinstance(link, str):
        return link
    if isinstance(link, list):
        raise ValueError(f"a URL is wanted, not a list of {len(link)}: take one of its elements")
    root = getattr(link, "root", None)
    if isinstance(root, str):
        return root.strip(HTML_WHITESPACE)
    if root is None:
        url = getattr(link, "url", None)
        if isinstance(url, str):
            return url
        raise TypeError(f"url must be str or a Selector, got {type(link).__name__}")
    tag = getattr(root, "tag", None)
    if tag not in ("a", "link"):
        raise ValueError(f"a Selector with a URL, an <a> or a <link> is wanted; got {link!r}")
    href = root.get("href")
    if href is None:
        raise ValueError(f"<{tag}> has no href attribute: {link!r}")
    return str(href).strip(HTML_WHITESPACE)
