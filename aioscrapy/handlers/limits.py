"""How long, how large and how incomplete a download may be, the same for every handler."""

import math
from collections.abc import Iterator
from typing import Any

from aioscrapy.exceptions import DownloadError, ResponseDataLossError, ResponseTooLargeError
from aioscrapy.http.codings import CodingError, Unpacker, decoders
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.settings import Settings

# bytes of an unpacked body from which on DOWNLOAD_MAXRATIO applies
_RATIO_FROM = 10 * 1024 * 1024


class Limits:
    """The limits of the DOWNLOAD_ settings, and the meta keys that override them."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize = settings.getint("DOWNLOAD_WARNSIZE")
        self.maxratio = settings.getfloat("DOWNLOAD_MAXRATIO")
        self._fail_on_loss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._warned_of_loss = False

    def timeout_s(self, meta: dict[str, Any]) -> float:
        """Return the seconds that a whole download may take.

        Raises:
            ValueError: the meta key is not a number.
        """
        if not meta.get("download_timeout"):
            return self._timeout_s
        return _number(meta, "download_timeout", self._timeout_s)

    def warn_of_loss(self, url: str) -> None:
        """Log once what keeps incomplete bodies."""
        if not self._warned_of_loss:
            self._warned_of_loss = True
            logger.warning(
                "Got data loss in %s: DOWNLOAD_FAIL_ON_DATALOSS = False keeps what came (said only once)",
                url,
            )

    def body(self, request: Request, meta: dict[str, Any]) -> "Body":
        """Return the buffer for a response body, with its size limits.

        Raises:
            ValueError: a meta key is not a number.
        """
        maxsize = int(_number(meta, "download_maxsize", self._maxsize))
        warnsize = int(_number(meta, "download_warnsize", self._warnsize))
        fail_on_loss = bool(meta.get("download_fail_on_dataloss", self._fail_on_loss))
        return Body(request.url, self, maxsize, warnsize, fail_on_loss)


def _number(meta: dict[str, Any], key: str, default: float) -> float:
    value = meta.get(key)
    if value is None:
        return default
    try:
        number = float(value)
        if 0 <= number < math.inf:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"meta[{key!r}]: {value!r} is not a number from 0 on")


def has_end(headers: Headers, protocol: str | None) -> bool:
    """Return True if the end of a body is known without the close of its connection."""
    is_http_1 = protocol is None or protocol.startswith("HTTP/1")
    return not is_http_1 or b"Content-Length" in headers or b"Transfer-Encoding" in headers


class Body:
    """Collects a body and unpacks it as it arrives.

    `maxsize`: bytes that the body may have, packed and unpacked; 0: no limit. `warnsize`: bytes
    above which a line warns once.
    `flags`: words for the response. `is_packed`: it has a coding that was undone.
    """

    __slots__ = (
        "_fail_on_loss",
        "_is_damaged",
        "_layers",
        "_limits",
        "_parts",
        "_received",
        "_size",
        "_url",
        "flags",
        "is_packed",
        "maxsize",
        "warnsize",
    )

    def __init__(self, url: str, limits: Limits, maxsize: int, warnsize: int, fail_on_loss: bool) -> None:
        self._url = url
        self._limits = limits
        self.maxsize = maxsize
        self.warnsize = warnsize
        self._fail_on_loss = fail_on_loss
        self._layers: list[Unpacker] = []
        self._is_damaged = False
        self._parts: list[bytes] = []
        self._received = 0
        self._size = 0
        self.flags: list[str] | None = None
        self.is_packed = False

    @property
    def may_be_cut(self) -> bool:
        """A part of the body is worth having."""
        return not self._fail_on_loss

    def unpack_by(self, headers: Headers) -> None:
        """Unpack by the Content-Encoding headers, and take these off: they describe the transfer.

        Parts that were added before are unpacked, too.

        Raises:
            DownloadError: a package that unpacks the coding is not installed; or see `add`.
            ResponseTooLargeError: see `add`.
        """
        try:
            self._layers = decoders(headers.getlist(b"Content-Encoding"))
        except CodingError as exc:
            raise DownloadError(f"{self._url}: {exc}") from None
        headers.pop(b"Content-Encoding", None)
        self.is_packed = bool(self._layers)
        if not self._layers or not self._parts:
            return
        packed, self._parts, self._received, self._size = self._parts, [], 0, 0
        for part in packed:
            self.add(part)

    def expect(self, length: int) -> None:
        """Check the length in bytes that the server declares.

        Raises:
            ResponseTooLargeError: it is more than the limit.
        """
        if self.maxsize and length > self.maxsize:
            raise self._too_large("Expected to receive", length)
        if self.warnsize and length > self.warnsize:
            self._warn("Expected to receive", length)

    def add(self, part: bytes) -> None:
        """Keep the next part as it travelled.

        Raises:
            ResponseTooLargeError: all parts are more than the limit, or unpack to too many times their size.
            DownloadError: the part can't be unpacked.
        """
        self._received += len(part)
        if self._is_damaged:
            return
        if not self._layers:
            self._keep(part)
            return
        if self.maxsize and self._received > self.maxsize:
            raise self._too_large("Received", self._received)
        try:
            for piece in self._unpacked(part, 0):
                self._keep(piece)
                self._check_ratio()
        except CodingError as exc:
            self._damage(exc)

    def _damage(self, problem: CodingError) -> None:
        self._is_damaged = True
        self.lose(f"the compressed body is damaged: {problem}")

    def _keep(self, piece: bytes) -> None:
        self._parts.append(piece)
        self._size += len(piece)
        if self.maxsize and self._size > self.maxsize:
            raise self._too_large("Received", self._size)

    def _too_large(self, verb: str, size: int) -> ResponseTooLargeError:
        text = (
            f"{self._url}: {verb} {size} bytes which is larger than download max size ({self.maxsize}), "
            "see DOWNLOAD_MAXSIZE"
        )
        logger.warning("%s", text)
        return ResponseTooLargeError(text)

    def _warn(self, verb: str, size: int) -> None:
        logger.warning(
            "%s: %s %d bytes which is larger than download warn size (%d), see DOWNLOAD_WARNSIZE",
            self._url,
            verb,
            size,
            self.warnsize,
        )
        self.warnsize = 0  # once

    def _check_ratio(self) -> None:
        ratio = self._limits.maxratio
        if ratio and self._size > _RATIO_FROM and self._size > ratio * self._received:
            raise ResponseTooLargeError(
                f"{self._url}: {self._received} compressed bytes grow to more than {self._size} "
                f"(DOWNLOAD_MAXRATIO = {ratio:g})"
            )

    def _unpacked(self, data: bytes, layer: int) -> Iterator[bytes]:
        if layer == len(self._layers):
            yield data
            return
        for piece in self._layers[layer].feed(data):
            yield from self._unpacked(piece, layer + 1)

    def lose(self, reason: str) -> None:
        """Note that the rest of the body is lost, unless a compressed body has come to its end.

        Raises:
            DownloadError: such a body is not wanted (DOWNLOAD_FAIL_ON_DATALOSS).
        """
        if self._layers and self._is_complete():
            return  # the length was that of the unpacked page
        if self._fail_on_loss:
            text = " ".join(reason.split())  # parser errors have several lines
            self._limits.warn_of_loss(self._url)
            raise ResponseDataLossError(f"{self._url}: {text} (DOWNLOAD_FAIL_ON_DATALOSS)")
        self.flags = ["dataloss"]

    def whole(self, has_end: bool = True) -> bytes:
        """Return the body; warns of one above DOWNLOAD_WARNSIZE.

        `has_end`: False where only the close of the connection ended it, so that a part may be missing.

        Raises:
            DownloadError: neither a compressed body nor its transfer has an end (DOWNLOAD_FAIL_ON_DATALOSS).
        """
        if self._layers:
            self._finish(has_end)
        if self.warnsize and self._size > self.warnsize:
            self._warn("Received", self._size)
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _finish(self, has_end: bool) -> None:
        try:
            for number, layer in enumerate(self._layers):
                for data in layer.finish():
                    for piece in self._unpacked(data, number + 1):
                        self._keep(piece)
        except CodingError as exc:
            self._damage(exc)
        if not has_end and not self._is_complete():
            self.lose("the connection was closed before the end of the compressed body")

    def _is_complete(self) -> bool:
        return not self._is_damaged and all(layer.is_complete for layer in self._layers)
