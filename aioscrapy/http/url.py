"""Join and clean URLs: a fast path for plain URLs, urllib and w3lib for all others."""

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

# w3lib.url.safe_url_string and urllib.parse.urljoin return a plain URL unchanged. The character classes are
# narrower than those of RFC 3986: a URL that does not match is slower, never wrong.
_HOST = r"https?://(?:[a-z0-9][a-z0-9_-]{0,61}\.)*[a-z0-9][a-z0-9_-]{0,61}(?::(?:[1-5][0-9]{4}|6[0-4][0-9]{3}|[1-9][0-9]{0,3}))?"
_CHARS = r"A-Za-z0-9_~.\-!$&()*+,=@"
_PATH = rf"/[{_CHARS}:/%]*"
_TAIL = rf"(?:\?[{_CHARS}:/%]+)?(?:#[{_CHARS}:/%?]+)?"

_is_plain = re.compile(rf"{_HOST}(?:{_PATH}{_TAIL})?").fullmatch
_stray_percent = re.compile(r"%(?![0-9A-Fa-f]{2})").search
# Group 1: absolute, group 2: from the root of the host, group 3: from the folder of the page. Paths with an
# empty segment ("//") are left to urljoin.
_href_kind = re.compile(
    rf"({_HOST}(?:{_PATH}{_TAIL})?)"
    rf"|(/(?:[{_CHARS}:%]+/)*[{_CHARS}:%]*{_TAIL})"
    rf"|([{_CHARS}%]+(?:/[{_CHARS}:%]+)*/?{_TAIL})"
).fullmatch
_plain_base = re.compile(rf"({_HOST})(?:(/(?:[{_CHARS}:%]+/)*)[{_CHARS}:%]*)?(?:\?[^#;]*)?(?:#.*)?").fullmatch

# Source: https://www.unicode.org/reports/tr46/#Deviations
_deviation = re.compile("[ßẞς\u200c\u200d]").search
_special = re.compile(r"(https?):", re.IGNORECASE).match
_other_scheme = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE).match
_LEADING = "".join(map(chr, range(33)))  # control characters and the space, which urljoin ignores, too
_authority = re.compile(r"(://(?:[^/?#]*@)?)([^/?#:@]+)").sub

_joined = "no link yet"  # the last result of `join`: it is plain, and the next request usually has it

HTML_WHITESPACE = " \t\n\r\f"


class Base(NamedTuple):
    """The parts of a page's URL, split once for all links of the page; `origin` is "" if it is not plain."""

    url: str
    origin: str
    folder: str


def split_base(url: str) -> Base:
    """Split the URL to which the links of a page are relative."""
    match = _plain_base(url)
    if match is None or "/." in url:
        return Base(url, "", "")
    origin = match[1]
    return Base(url, origin, origin + (match[2] or "/"))


def join(base: Base, href: str) -> str:
    """Return the absolute URL of a link: faster than `urllib.parse.urljoin` for plain links."""
    global _joined  # noqa: PLW0603 a cache of one link, cheaper than another match
    match = _href_kind(href) if base.origin else None
    if match is None or "/." in href or href[0] == ".":
        return join_as_browsers(base.url, href)
    kind = match.lastindex
    if kind == 1:
        return href
    url = (base.origin if kind == 2 else base.folder) + href
    if "%" not in url:
        _joined = url
    return url


def join_as_browsers(base: str, href: str) -> str:
    """Return `urllib.parse.urljoin(base, href)`, with the slashes that browsers read into a link."""
    if ("\\" in href or "//" in href or ":" in href) and _special(base):
        href = as_browsers_read(base, href.lstrip(_LEADING))
    return urljoin(base, href)


def as_browsers_read(base: str, text: str) -> str:
    """Return a URL with the slashes that browsers read into it.

    Source: https://url.spec.whatwg.org/#url-parsing, for schemes that are special.
    """
    if _other_scheme(text):
        return text
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    text = path.replace("\\", "/") + text[len(path) :]
    match = _special(text)
    if match is None:
        return f"//{text.lstrip('/')}" if text.startswith("//") else text
    scheme, rest = match[1].lower(), text[match.end() :]
    if not rest.startswith("//") and scheme == urlsplit(base).scheme:
        return rest
    return f"{scheme}://{rest.lstrip('/')}"


def clean_url(url: Any, encoding: str) -> str:
    """Return the URL with non-ASCII and unsafe characters percent-encoded.

    `url` may also be a Selector of an attribute or a text.

    Raises:
        TypeError: not a string and not such a Selector.
        ValueError: the URL is relative, or has no scheme.
    """
    if not isinstance(url, str):
        url = href_of(url)
    if url is _joined:
        return url
    if _is_plain(url) and ("%" not in url or not _stray_percent(url)):
        return str(url)
    from w3lib.url import safe_url_string

    if not url.isascii() and _deviation(url):
        url = _authority(_in_idna_2008, url, 1)
    safe: str = safe_url_string(url, encoding)
    if "://" not in safe and not safe.startswith(("about:", "data:")):
        raise ValueError(f"Missing scheme in request url: {safe}")
    return safe


def _in_idna_2008(match: re.Match[str]) -> str:
    """Return a host whose letters IDNA 2003, which w3lib uses, writes otherwise than browsers do."""
    if not _deviation(match[2]):
        return match[0]
    import idna  # aiohttp's URLs need it, too

    try:
        return match[1] + idna.encode(match[2], uts46=True, transitional=False).decode()
    except idna.IDNAError:
        return match[0]


def href_of(link: Any) -> str:
    """Return the URL of a Selector: an attribute, a text, or the href of an <a> or <link> element.

    For an object with a `url` (a Link of Scrapy's extractors) return this URL.

    Raises:
        TypeError: not a string, Selector or link.
        ValueError: a Selector without a URL, or a list of Selectors.
    """
    if isinstance(link, str):
        return link
    if isinstance(link, list):
        raise ValueError(f"expected a URL, not a list of {len(link)}: use one of its elements")
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
        raise ValueError(f"expected a Selector of a URL, an <a> or a <link>, not {link!r}")
    href = root.get("href")
    if href is None:
        raise ValueError(f"<{tag}> has no href attribute: {link!r}")
    return str(href).strip(HTML_WHITESPACE)


def verbatim(url: str) -> str:
    """Return a URL as it is, for meta["verbatim_url"].

    Raises:
        ValueError: it has no scheme, or a control character, which could start another line of the request.
    """
    if ":" not in url or any(character < " " or character == "\x7f" for character in url):
        raise ValueError(f"a verbatim URL needs a scheme and no control characters: {url!r}")
    return url
