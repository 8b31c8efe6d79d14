"""Responses: base URL, meta refresh, status in words, a look in the browser."""

import mimetypes
import os
import re
import tempfile
import webbrowser
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from w3lib.html import get_base_url as base_url_of
from w3lib.html import get_meta_refresh as meta_refresh_of

from aioscrapy.http.headers import Headers
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.http.text import HtmlResponse, TextResponse
from aioscrapy.utils.misc import load_object

# Characters of a page in which its base and its refresh are looked for.
_HEAD = 4096
_DOCTYPE = re.compile(rb"\s*<!doctype[^<>]*>", re.IGNORECASE)
_bases: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_refreshes: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def get_base_url(response: Any) -> str:
    """Return the URL to which the links of a page are relative."""
    base = _bases.get(response)
    if base is None:
        base = _bases[response] = base_url_of(response.text[:_HEAD], response.url, response.encoding)
    return base


def get_meta_refresh(response: Any, ignore_tags: Iterable[str] = ("script", "noscript")) -> Any:
    """Return (seconds, URL) of the page's meta refresh; (None, None) if there is none."""
    if response not in _refreshes:
        _refreshes[response] = meta_refresh_of(
            response.text[:_HEAD], get_base_url(response), response.encoding, ignore_tags=ignore_tags
        )
    return _refreshes[response]


def response_status_message(status: bytes | float | str) -> str:
    """Return a status with its words, such as "404 Not Found"."""
    number = int(status)
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return f"{number} Unknown Status"


def response_httprepr(response: Response) -> bytes:
    """Return the response as an HTTP message, for people; the server may have sent other bytes."""
    head = [f"HTTP/1.1 {response_status_message(response.status)}".encode()]
    if response.headers:
        head.append(response.headers.to_string())
    return b"\r\n".join([*head, b"", response.body])


def response_from_dict(d: dict[str, Any]) -> Response:
    """Create a response from a dict with its fields; its class is that of `_class`, or of its headers."""
    if "_class" in d:
        cls = load_object(d["_class"])
    else:
        cls = response_class(Headers(d.get("headers") or {}), d["url"], d.get("body") or b"")
    response: Response = cls.from_dict(d)
    return response


def open_in_browser(response: Response, _openfunc: Callable[[str], Any] = webbrowser.open) -> Any:
    """Write a page to a file and open it in the browser; its relative links keep their meaning.

    Raises:
        TypeError: no kind of file is known for it.
    """
    body = response.body
    if isinstance(response, HtmlResponse):
        doctype = _DOCTYPE.match(body)
        start = doctype.end() if doctype else 0
        body = body[:start] + f'<base href="{get_base_url(response)}">'.encode() + body[start:]
        ending = ".html"
    elif isinstance(response, TextResponse):
        ending = ".txt"
    else:
        kind = (response.headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0]
        ending = mimetypes.guess_extension(kind.strip().lower()) or ""
        if not ending:
            raise TypeError(f"Unsupported response type: {type(response).__name__}")
    handle, name = tempfile.mkstemp(ending)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
    return _openfunc(f"file://{name}")
