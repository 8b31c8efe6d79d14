"""The result of a job, as the node counts it, and its item file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Job:
    """One job of the quickstart; `number` starts at 1.

    Attributes:
        pages: responses so far.
        items: items so far.
        errors: errors so far.
        ended: whether the job has ended.
        reason: why it ended, in one line; "" before the end.
    """

    def __init__(self, number: int, id: str, logs: Path, feeds: Path) -> None:
        self.number = number
        self.id = id
        self.log = logs / f"{id}.log"
        self.feed = feeds / f"{id}.jl"
        self.pages = 0
        self.items = 0
        self.errors = 0
        self.ended = False
        self.reason = ""

    def read(self, entry: Mapping[str, Any]) -> None:
        """Update the attributes from an entry of the node's /api/v1/jobs."""
        for name in ("pages", "items", "errors"):
            setattr(self, name, entry.get(name) or 0)
        self.ended = bool(entry.get("ended"))
        self.reason = str(entry.get("reason") or "") if self.ended else ""

    def lines(self) -> list[str]:
        """Return the written items as JSON texts."""
        try:
            return self.feed.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
