"""Renews the record of a job while its crawl runs, so that others see its counts without reading its log."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aioscrapy import signals
from aioscrapy.db.redis_url import address_of
from aioscrapy.settings import PRIORITIES
from aioscrapy_scrapyd.job.end_record import EndRecord

RENEW_S = 1.0  # seconds between two looks at the counts


@contextmanager
def reported(record: EndRecord, crawler: Any) -> Iterator[None]:
    """Renew the record each second in which a count of the crawl has changed, until the context ends.

    A thread does it, so that a callback that blocks the event loop can't stop it. It starts with the signal
    spider_opened: until then the crawl may fork its worker processes, which a thread would disturb.
    """
    over = threading.Event()

    def renew() -> None:
        counts: dict[str, Any] = {}
        while not over.wait(RENEW_S):
            earlier, counts = counts, _facts_of(record, crawler)
            if counts != earlier:
                record.renew(counts | {"rss": resident_bytes()})

    thread = threading.Thread(target=renew, name="end record", daemon=True)
    crawler.signals.connect(thread.start, signals.spider_opened)
    try:
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()


def _facts_of(record: EndRecord, crawler: Any) -> dict[str, Any]:
    counts = record.counts(stats_of(crawler))
    return {**counts, "waiting": crawler.waiting(), "shared": shared_crawl(crawler)}


def stats_of(crawler: Any) -> Mapping[str, Any]:
    """Return the stats of a crawl; {} if there is none, or if the collector of the project fails."""
    try:
        stats = crawler.stats.get_stats()
    except Exception:  # noqa: BLE001 it must not hide how the job ended
        return {}
    return stats if isinstance(stats, Mapping) else {}


def shared_crawl(crawler: Any) -> dict[str, str] | None:
    """Return `redis` (its address without password), `bot` and `crawl` of a crawl that others can join.

    None for a crawl in memory or in a file, and for the private Redis of CRAWL_PROCESSES.
    """
    settings, crawl = crawler.settings, stats_of(crawler).get("frontier/crawl")
    if not crawl or (settings.getpriority("REDIS_ARGS") or 0) > PRIORITIES["cmdline"]:
        return None
    arguments = settings.getdict("REDIS_ARGS").get(settings["SCHEDULER_QUEUE_ALIAS"], {})
    with suppress(ValueError, TypeError):
        return {"redis": address_of(arguments), "bot": str(settings["BOT_NAME"]), "crawl": str(crawl)}
    return None


def resident_bytes() -> int | None:
    """Return the memory that this process has now; None where the system does not say it."""
    with suppress(OSError, ValueError, IndexError, AttributeError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
