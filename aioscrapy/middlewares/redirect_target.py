"""The URL to which a response redirects: by Location, by the Refresh header, or by a meta refresh."""

import re
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from aioscrapy.http.response import Response
from aioscrapy.http.text import HEAD
from aioscrapy.http.url import as_browsers_read

_STRIPPED = bytes(range(33))  # control characters and the space
_authority = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,}[^/\\?#]*").match
# Source: https://html.spec.whatwg.org/#shared-declarative-refresh-steps
_refresh = re.compile(
    r"""\s* ([0-9]*\.?[0-9]*) [0-9.]*
        (?: \s*[;,]\s* (?:url\s*=\s*)?+ | \s+url\s*=\s* )
        (?: '([^']*) | "([^"]*) | (\S.*) )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
).match


def location_of(response: Response) -> bytes | None:
    """Return the first Location that is not empty, as browsers do."""
    if "Location" not in response.headers:
        return None
    values = (value.strip(_STRIPPED) for value in response.headers.getlist("Location"))
    return next((value for value in values if value), None)


def target_of(base: str, location: bytes) -> str | None:
    """Return the absolute URL of a Location header; None if it is not a URL."""
    try:
        url = urljoin(base, as_browsers_read(base, _percent_encoded(location)))
        fragment = urlsplit(base).fragment
        return url if not fragment or urlsplit(url).fragment else f"{urldefrag(url).url}#{fragment}"
    except ValueError:
        return None


def _percent_encoded(location: bytes) -> str:
    """Return a Location as text whose path and query bring the same bytes back to the server."""
    host = _authority(location)
    end = host.end() if host else 0
    try:
        start = location[:end].decode()
    except UnicodeDecodeError:
        start = location[:end].decode("latin-1")
    return start + "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location[end:])


def refresh_header(response: Response) -> tuple[float, str | None]:
    """Return the delay in seconds and the absolute URL of a Refresh header; None without a URL."""
    wait_s, target = _parsed((response.headers.get("Refresh") or b"").decode("latin-1"))
    return wait_s, target_of(response.url, target.encode("latin-1")) if target else None


def meta_refresh(response: Any, ignored_tags: tuple[str, ...]) -> tuple[float, str | None]:
    """Return the delay in seconds and the absolute URL of a page's meta refresh; None without one."""
    # URLs in a page are in its encoding, unless that is UTF-16: https://url.spec.whatwg.org/#get-an-output-encoding
    encoding = "utf-8" if response.encoding.lower().startswith("utf") else response.encoding
    base = response.urljoin("")
    try:
        return _meta_element(response.text[:HEAD], base, encoding, ignored_tags)
    except ValueError:
        return 0.0, None


def _meta_element(
    head: str, base: str, encoding: str, ignored_tags: tuple[str, ...]
) -> tuple[float, str | None]:
    from w3lib.html import get_meta_refresh
    from w3lib.url import safe_url_string

    from aioscrapy.selector import Selector

    for meta in Selector(text=head, type="html").xpath("//meta[@http-equiv and @content]"):
        is_refresh = meta.attrib["http-equiv"].strip().lower() == "refresh"
        if is_refresh and not any(parent.tag in ignored_tags for parent in meta.root.iterancestors()):
            wait_s, target = _parsed(meta.attrib["content"])
            if target:
                return wait_s, urljoin(base, safe_url_string(as_browsers_read(base, target), encoding))
    # as Scrapy does, also one that a script writes
    written = get_meta_refresh(head, base, encoding, ignore_tags=ignored_tags)
    return written[0] or 0.0, written[1]


def _parsed(refresh: str) -> tuple[float, str]:
    """Return the delay in seconds and the URL of the value of a refresh; "" without a URL."""
    match = _refresh(refresh)
    if match is None:
        return 0.0, ""
    wait = match[1]
    target = match[2] or match[3] or match[4] or ""
    return float(wait) if wait.strip(".") else 0.0, target.strip()
