"""Sends an answer whose pieces are read in a thread, no faster than the client takes them."""

import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from twisted.internet.interfaces import IPushProducer
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from zope.interface import implementer

from aioscrapy_scrapyd.web.screen import Raw

log = Logger()


@implementer(IPushProducer)
class Download:
    """One answer; a slow client costs one piece of memory, and one that is gone ends the reading."""

    def __init__(self, request: Any, raw: Raw) -> None:
        self._request = request
        zipped = accepts_gzip(request)
        self._parts = iter(_compressed(raw.parts) if zipped else raw.parts)
        self._gone = self._paused = self._reading = False
        request.setHeader("Content-Type", raw.kind)
        request.setHeader("Cache-Control", "private, no-cache")
        request.setHeader("Vary", "Accept-Encoding")
        if zipped:
            request.setHeader("Content-Encoding", "gzip")
        if raw.filename:
            name = quote(raw.filename, safe="")
            request.setHeader("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        request.notifyFinish().addErrback(lambda _: self.stopProducing())

    def start(self) -> None:
        """Begin to send."""
        if self._request.method == b"HEAD":
            self._request.write(b"")
            self._request.finish()
            return
        self._request.registerProducer(self, True)
        self._read()

    def pauseProducing(self) -> None:  # noqa: N802 Twisted's name
        """Read nothing until the client has taken what it got."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 Twisted's name
        """Read on."""
        self._paused = False
        self._read()

    def stopProducing(self) -> None:  # noqa: N802 Twisted's name
        """Read no further."""
        self._gone = True

    def _read(self) -> None:
        if self._paused or self._reading or self._gone:
            return
        self._reading = True
        reading = deferToThread(next, self._parts, None)
        reading.addCallback(self._write)
        reading.addErrback(self._failed)

    def _write(self, part: bytes | None) -> None:
        self._reading = False
        if self._gone:
            return
        if part is None:
            self._gone = True
            self._request.unregisterProducer()
            self._request.finish()
            return
        if part:
            self._request.write(part)
        self._read()

    def _failed(self, failure: Any) -> None:
        """Break the connection off, so that half a file is not taken for a whole one."""
        log.failure("A download broke off", failure)
        if not self._gone:
            self._gone = True
            self._request.unregisterProducer()
            self._request.channel.loseConnection()


def accepts_gzip(request: Any) -> bool:
    """Return True if the client takes a compressed answer (RFC 9110, section 12.5.3)."""
    codings = (
        part.replace(" ", "").lower() for part in (request.getHeader("accept-encoding") or "").split(",")
    )
    return any(
        coding == "gzip" or (coding.startswith("gzip;q=") and coding[7:].strip("0.")) for coding in codings
    )


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Compress piece by piece; zlib lets the other threads work meanwhile."""
    packer = zlib.compressobj(5, zlib.DEFLATED, wbits=31)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()
