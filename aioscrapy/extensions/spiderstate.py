"""Keep the state of a spider from one run of a stopped crawl to the next."""

import json
import logging
from pathlib import Path
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.json_values import json_form

logger = logging.getLogger(__name__)

# The key of a state with values that JSON does not know, such as dates.
_PACKED = "$packed"


class SpiderState:
    """Gives the spider a dict `state`, read from and written to JOBDIR/spider.state as JSON."""

    def __init__(self, jobdir: str | None = None) -> None:
        self.jobdir = jobdir
        self._path = Path(jobdir or "", "spider.state").absolute()  # the project may change the folder

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out without JOBDIR."""
        folder = crawler.settings["JOBDIR"]
        if not folder:
            raise NotConfigured
        extension = cls(folder)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Any) -> None:
        """Read the state; a file that can't be read is renamed and kept."""
        spider.state = {}
        if not self._path.exists():
            return
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(state, dict) and state.keys() == {_PACKED}:
                from aioscrapy.http.stored_values import unpack  # most states don't need it

                state = unpack(state[_PACKED])
            if not isinstance(state, dict):
                raise ValueError("it is not a dict")
        except ValueError as exc:
            kept = self._path.with_name(f"{self._path.name}.unreadable")
            self._path.replace(kept)
            logger.error(
                "The spider starts with an empty state: %s can't be read (%s); kept as %s",
                self._path,
                exc,
                kept,
            )
            return
        spider.state = state

    def spider_closed(self, spider: Any) -> None:
        """Write the state: the whole file or nothing."""
        try:
            form, is_packed = json_form(spider.state)
            text = json.dumps({_PACKED: form} if is_packed else form, ensure_ascii=False)
        except (TypeError, ValueError) as exc:
            logger.error("The state of the spider is lost: it can't be written as JSON (state%s)", exc)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.new")
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # as JSON escapes a half pair
        draft.replace(self._path)
