"""Sends an answer whose pieces are read in a thread, no faster than the client takes them."""

from typing import Any
from urllib.parse import quote

from twisted.internet.interfaces import IPullProducer
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from zope.interface import implementer

from aioscrapy_scrapyd.web.screen import Raw

log = Logger()


@implementer(IPullProducer)
class Download:
    """One answer; a slow client costs one piece of memory, and one that is gone ends the reading."""

    def __init__(self, request: Any, raw: Raw) -> None:
        self._request = request
        self._parts = iter(raw.parts)
        self._gone = False
        request.setHeader("Content-Type", raw.kind)
        request.setHeader("Cache-Control", "private, no-cache")
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
        self._request.registerProducer(self, False)

    def resumeProducing(self) -> None:  # noqa: N802 Twisted's name
        """Read and write one piece."""
        reading = deferToThread(next, self._parts, None)
        reading.addCallback(self._write)
        reading.addErrback(self._failed)

    def stopProducing(self) -> None:  # noqa: N802 Twisted's name
        """Read no further."""
        self._gone = True

    def _write(self, part: bytes | None) -> None:
        if self._gone:
            return
        if part is None:
            self._request.unregisterProducer()
            self._request.finish()
        else:
            self._request.write(part)

    def _failed(self, failure: Any) -> None:
        """Break the connection off, so that half a file is not taken for a whole one."""
        log.failure("A download broke off", failure)
        if not self._gone:
            self._request.unregisterProducer()
            self._request.channel.loseConnection()
