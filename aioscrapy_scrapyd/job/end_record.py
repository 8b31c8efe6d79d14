"""The end record of a job: a small file with the reason of its end, independent of the form of its log.

It is LOGS_DIR/PROJECT/.ends/SPIDER/JOB.json, and Scrapyd serves it as /logs/PROJECT/.ends/SPIDER/JOB.json.
It is not in the folder of the log: Scrapyd's jobs_to_keep counts and deletes every file there.
"""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from aioscrapy.ends import End, Reason, text_of
from aioscrapy_deploy.terminal.text import one_line
from aioscrapy_scrapyd.job.job_files import JobFiles

FORMAT = 1
PATH_VARIABLE = "AIOSCRAPY_JOB_RECORD"
_COUNTS = {"pages": "response_received_count", "items": "item_scraped_count", "errors": "log_count/ERROR"}
_STATS_LIMIT = 1 << 18  # characters of stats; more are left out
_ERROR_LIMIT = 2000  # characters
_COUNT_LIMIT = 10**15  # a larger count is not one


class EndRecord:
    """The record of one job. It is written whole and renamed, so a reader sees all of it or nothing.

    Keys:
        format            1
        project, spider, job, version, pid
                          version is the stored name of the egg's version; null in place
        start_time, end_time
                          ISO 8601 in UTC; end_time is null until the job has ended
        reason, exit_status, error
                          as in aioscrapy/ends.py. Until the job has ended they are those of a job that was
                          killed: so they are right if its process ends without a word
        pages, items, errors
                          counts of the crawl, renewed while it runs; null if no crawl began
        waiting, rss      requests that wait and bytes of memory while the crawl runs, else null
        shared            redis, bot and crawl of a crawl in a Redis that others can join, else null
        stats             all stats at the end, with text for what JSON does not know
    """

    def __init__(self, files: JobFiles, project: str) -> None:
        self._path = record_path(files, project)
        self._facts: dict[str, Any] = {
            "format": FORMAT,
            "project": project,
            "spider": files.spider,
            "job": files.job,
            "version": None,
            "pid": os.getpid(),
            "start_time": _now(),
            "end_time": None,
            "reason": str(Reason.KILLED),
            "exit_status": None,
            "error": "the process ended before it could say why: killed, or out of memory",
            "pages": None,
            "items": None,
            "errors": None,
            "waiting": None,
            "rss": None,
            "shared": None,
            "stats": {},
        }

    def begin(self, version: str | None) -> None:
        """Write what is true if the process is killed."""
        self._facts["version"] = version
        self._write(self._facts)

    def renew(self, counts: Mapping[str, Any]) -> None:
        """Write the counts of a crawl that runs."""
        self._facts.update(counts)
        self._write(self._facts)

    def share(self, crawl: Mapping[str, str] | None) -> None:
        """Note the crawl that others can join; `end` writes it."""
        self._facts["shared"] = crawl

    def end(self, end: End, stats: Mapping[str, Any]) -> None:
        """Write how the job ended; `stats` is empty if no crawl began."""
        text = json.dumps({text_of(name): _stored(value) for name, value in stats.items()})
        self._facts |= {
            "end_time": _now(),
            "reason": end.reason,
            "exit_status": end.exit_status,
            "error": one_line(end.error)[:_ERROR_LIMIT],
            "waiting": None,
            "rss": None,
            "stats": json.loads(text) if len(text) <= _STATS_LIMIT else {},
        }
        if stats:
            self._facts |= self.counts(stats)
        self._write(self._facts, durable=True)

    @staticmethod
    def counts(stats: Mapping[str, Any]) -> dict[str, int]:
        """Return the counts of a record that are stats of the crawl."""
        values = {name: stats.get(stat, 0) for name, stat in _COUNTS.items()}
        return {name: _count(value) for name, value in values.items()}

    def prune(self, keep: int) -> None:
        """Remove the oldest records of the spider, all but `keep`."""
        if self._path is None or os.environ.get(PATH_VARIABLE):
            return
        with suppress(OSError):
            records = sorted(self._path.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in records[keep:]:
                path.unlink(missing_ok=True)

    def _write(self, record: Mapping[str, Any], *, durable: bool = False) -> None:
        if self._path is None or os.getpid() != self._facts["pid"]:  # a child that the project's code forked
            return
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(record, file)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError:  # a full disk: a record is worth less than the job
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def record_path(files: JobFiles, project: str) -> Path | None:
    """Return where the record of a job is; None if its log is not where Scrapyd puts it.

    A daemon that keeps its records elsewhere names the path in the environment.
    """
    if path := os.environ.get(PATH_VARIABLE):
        return Path(path).absolute()
    log = Path(files.log)
    if not files.log or log.parts[-3:] != (project, files.spider, f"{files.job}.log"):
        return None
    return log.parent.parent / ".ends" / files.spider / f"{files.job}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _count(value: Any) -> int:
    is_count = isinstance(value, (int, float)) and 0 <= value <= _COUNT_LIMIT
    return int(value) if is_count else 0


def _stored(value: Any) -> Any:
    """Return a stat as JSON knows it; as text if it holds itself, or its own code fails."""
    try:
        plain = _plain(value)
        json.dumps(plain)
    except Exception:  # noqa: BLE001 a stat of the project must not hide how the job ended
        return text_of(value, repr)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    is_json = value is None or isinstance(value, (bool, int, str))
    if is_json or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
