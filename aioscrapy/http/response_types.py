"""Scrapy's `responsetypes`: the class of a response by one of its parts."""

from typing import Any

from aioscrapy.http.headers import Headers
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class

# A body that says nothing about its type: without a header or a name that does, the response is not text.
_UNKNOWN = b"\x00"


class ResponseTypes:
    """The methods of Scrapy's object; all of them ask `response_class`."""

    def from_args(
        self, headers: Any = None, url: str | None = None, filename: str | None = None, body: Any = None
    ) -> type[Response]:
        """Return the class by all that is there, in the order of `response_class`."""
        url = url if url is not None else f"file:///{filename}" if filename else ""
        return response_class(Headers(headers or {}), url, _UNKNOWN if body is None else body)

    def from_headers(self, headers: Any) -> type[Response]:
        """Return the class by Content-Type and Content-Disposition."""
        return self.from_args(headers=headers)

    def from_content_type(self, content_type: Any, content_encoding: Any = None) -> type[Response]:
        """Return the class by the value of a Content-Type header."""
        headers = {"Content-Type": content_type}
        if content_encoding:
            headers["Content-Encoding"] = content_encoding
        return self.from_args(headers=headers)

    def from_mimetype(self, mimetype: str) -> type[Response]:
        """Return the class by a MIME type."""
        return self.from_content_type(mimetype)

    def from_content_disposition(self, content_disposition: Any) -> type[Response]:
        """Return the class by the value of a Content-Disposition header."""
        return self.from_args(headers={"Content-Disposition": content_disposition})

    def from_filename(self, filename: str) -> type[Response]:
        """Return the class by the name of a file."""
        return self.from_args(filename=filename)

    def from_body(self, body: bytes) -> type[Response]:
        """Return the class by the first bytes of a body."""
        return self.from_args(body=body)


responsetypes = ResponseTypes()
