"""One live line on the terminal while a crawl runs: pages, pages/s, items, errors, waiting."""

import asyncio
import logging
import sys
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from aioscrapy import signals

REFRESH_S = 0.25  # seconds between two looks at the figures


class Progress:
    """Redraws the line from the crawl's stats; log lines pass above it."""

    def __init__(self, crawler: Any) -> None:
        self._crawler = crawler
        self._started = time.monotonic()
        self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=False)
        self._task: asyncio.Task[None] | None = None
        self._redirected: list[logging.StreamHandler[Any]] = []

    async def opened(self) -> None:
        """Start to draw."""
        self._live.start()
        for handler in logging.getLogger().handlers:  # the log goes through the live display, not across it
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__:
                handler.setStream(sys.stderr)
                self._redirected.append(handler)
        self._task = asyncio.create_task(self._redraw(), name="progress")

    async def closed(self) -> None:
        """Draw the last state and give the terminal back."""
        if self._task is not None:
            self._task.cancel()
        self._live.update(self._line(), refresh=True)
        self._live.stop()
        for handler in self._redirected:  # not a handler of the program with a stream that it has chosen
            handler.setStream(sys.__stderr__)

    async def _redraw(self) -> None:
        while True:
            self._live.update(self._line())
            await asyncio.sleep(REFRESH_S)

    def _line(self) -> Text:
        stats = self._crawler.stats
        seconds = max(time.monotonic() - self._started, 0.001)
        pages = stats.get_value("response_received_count", 0)
        errors = stats.get_value("spider_exceptions/count", 0) + stats.get_value("log_count/ERROR", 0)
        return Text.assemble(
            (f"{self._crawler.spidercls.name}  ", "bold"),
            f"{pages} pages  {pages / seconds:.1f} pages/s  ",
            f"{stats.get_value('item_scraped_count', 0)} items  ",
            f"{errors} errors  {self._crawler.waiting()} waiting",
        )


def attach(crawler: Any) -> None:
    """Show the line for this crawl, from its opening to its end."""
    progress = Progress(crawler)
    crawler.signals.connect(progress.opened, signals.spider_opened)
    crawler.signals.connect(progress.closed, signals.spider_closed)
