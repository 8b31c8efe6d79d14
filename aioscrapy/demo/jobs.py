"""The result of a job, read from its log and its item file."""

import re
from pathlib import Path

_PROGRESS = re.compile(r"Crawled (\d+) pages \(at \d+ pages/min\), scraped (\d+) items")
_COUNTS = {
    "pages": re.compile(r"'response_received_count': (\d+)"),
    "items": re.compile(r"'item_scraped_count': (\d+)"),
    "errors": re.compile(r"'log_count/ERROR': (\d+)"),
}
_DUMP = "Dumping Scrapy stats:"
_REASON = re.compile(r"Spider closed \((\w+)\)")


class Job:
    """One job of the quickstart; `number` starts at 1.

    Attributes:
        pages: responses so far; at the end the number in the stats.
        items: items so far; at the end the number in the stats.
        errors: log lines of level ERROR, known at the end.
        reason: the reason of the end; "" before the end, and if the process was killed.
    """

    def __init__(self, number: int, id: str, logs: Path, feeds: Path) -> None:
        self.number = number
        self.id = id
        self.log = logs / f"{id}.log"
        self.feed = feeds / f"{id}.jl"
        self.pages = 0
        self.items = 0
        self.errors = 0
        self.reason = ""

    def read(self) -> None:
        """Update the attributes from the log."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        lines = _PROGRESS.findall(text)
        if lines:
            self.pages, self.items = (int(figure) for figure in lines[-1])
        _, dumped, stats = text.partition(_DUMP)
        if dumped:
            for name, pattern in _COUNTS.items():
                match = pattern.search(stats)
                setattr(self, name, int(match[1]) if match else 0)
        closed = _REASON.search(stats)
        self.reason = closed[1] if closed else ""

    def lines(self) -> list[str]:
        """Return the written items as JSON texts."""
        try:
            return self.feed.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
