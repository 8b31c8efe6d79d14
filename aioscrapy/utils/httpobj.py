"""The parts of the URL of a request or a response."""

from typing import Any
from urllib.parse import ParseResult, urlparse
from weakref import WeakKeyDictionary

_parts: WeakKeyDictionary[Any, ParseResult] = WeakKeyDictionary()


def urlparse_cached(request_or_response: Any) -> ParseResult:
    """Return the parsed URL of a request or a response, which never changes."""
    parts = _parts.get(request_or_response)
    if parts is None:
        parts = _parts[request_or_response] = urlparse(request_or_response.url)
    return parts
