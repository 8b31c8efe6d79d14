"""How long and how large a download may be, the same for every handler."""

from typing import Any

from aioscrapy.exceptions import ResponseTooLargeError
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.settings import Settings


class Body:
    """What has come of a body, at most `maxsize` bytes of it; 0: no limit."""

    __slots__ = ("_parts", "_size", "_url", "_warnsize", "maxsize")

    def __init__(self, url: str, maxsize: int, warnsize: int) -> None:
        self._url = url
        self.maxsize = maxsize
        self._warnsize = warnsize
        self._parts: list[bytes] = []
        self._size = 0

    def expect(self, length: int) -> None:
        """Take note of the length in bytes that the server tells.

        Raises:
            ResponseTooLargeError: it is more than the limit.
        """
        if self.maxsize and length > self.maxsize:
            raise ResponseTooLargeError(
                f"{self._url}: {length} bytes, more than DOWNLOAD_MAXSIZE ({self.maxsize})"
            )

    def add(self, part: bytes) -> None:
        """Keep the next part.

        Raises:
            ResponseTooLargeError: all parts are more than the limit.
        """
        self._parts.append(part)
        self._size += len(part)
        if self.maxsize and self._size > self.maxsize:
            raise ResponseTooLargeError(f"{self._url}: more than DOWNLOAD_MAXSIZE ({self.maxsize}) bytes")

    def whole(self) -> bytes:
        """Return the parts in one, at the end; warns of a body above DOWNLOAD_WARNSIZE."""
        if self._warnsize and self._size > self._warnsize:
            logger.warning(
                "%s: body of %d bytes, more than DOWNLOAD_WARNSIZE (%d)",
                self._url,
                self._size,
                self._warnsize,
            )
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class Limits:
    """DOWNLOAD_TIMEOUT, DOWNLOAD_MAXSIZE and DOWNLOAD_WARNSIZE, and the meta keys that override them."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize = settings.getint("DOWNLOAD_WARNSIZE")

    def timeout_s(self, meta: dict[str, Any]) -> float:
        """Return the seconds that a whole download may take."""
        return float(meta.get("download_timeout") or self._timeout_s)

    def body(self, request: Request, meta: dict[str, Any]) -> Body:
        """Return what a request's body is to be kept in."""
        return Body(request.url, int(meta.get("download_maxsize", self._maxsize)), self._warnsize)
