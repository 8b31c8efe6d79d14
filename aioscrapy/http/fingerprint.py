"""The bytes by which the duplicate filter knows a request."""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Self

from aioscrapy.http.request import Request

# URLs of this form w3lib.url.canonicalize_url leaves as they are, but for the order of the query (group 2)
# and the fragment. What the pattern leaves out takes the long road.
_canonical = re.compile(
    r"(https?://[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/[A-Za-z0-9_~./-]*)"
    r"(?:\?([A-Za-z0-9_~.-]+=[A-Za-z0-9_~.-]*(?:&[A-Za-z0-9_~.-]+=[A-Za-z0-9_~.-]*)*))?"
    r"(?:#.*)?"
).fullmatch


class RequestFingerprinter:
    """16 bytes (BLAKE2b) over method, canonical URL and body, or over the request's own `fingerprint`.

    Canonical is what `w3lib.url.canonicalize_url` makes: the query in order, no fragment unless
    `keep_fragments`. Headers count only if `include_headers` names them. To change the rules, subclass
    this and set REQUEST_FINGERPRINTER_CLASS.
    """

    def __init__(self, include_headers: Iterable[str | bytes] = (), keep_fragments: bool = False) -> None:
        names = {name.decode("latin-1") if isinstance(name, bytes) else name for name in include_headers}
        self._headers = sorted(name.title() for name in names)
        self._keep_fragments = keep_fragments

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Make one; it needs nothing of the crawl."""
        return cls()

    def fingerprint(self, request: Request) -> bytes:
        """Return the 16 bytes; they are worked out once for each request."""
        known = request._digest
        if known is not None and known[0] is self:
            return known[1]
        digest = blake2b(self._content(request), digest_size=16).digest()
        request._digest = (self, digest)
        return digest

    def canonical_url(self, url: str) -> str:
        """Return the one form of all URLs that lead to the same page."""
        if not self._keep_fragments:
            match = _canonical(url)
            if match is not None and "/." not in url:
                query = match[2]
                if query is None:
                    return match[1]
                if "&" in query:
                    query = "&".join(sorted(query.split("&"), key=_key_and_value))
                return f"{match[1]}?{query}"
        from w3lib.url import canonicalize_url

        return str(canonicalize_url(url, keep_fragments=self._keep_fragments))

    def _content(self, request: Request) -> bytes:
        if request.fingerprint is not None:
            return request.fingerprint.encode()
        # Neither a method nor a canonical URL has a space or a line end in it, so no two contents are alike.
        head = f"{request.method} {self.canonical_url(request._url)}\n".encode()
        for name in self._headers:
            values = request.headers.getlist(name)
            head += b"%s: %d\n%s\n" % (name.encode(), len(values), b"\n".join(values))
        return head + request._body


def _key_and_value(pair: str) -> list[str]:
    return pair.split("=")
