"""`runner crawl`: one job, whose log and end record have the reason of every end."""

import os
import traceback
from collections.abc import Sequence
from typing import Any

from aioscrapy.ends import End, Reason, end_for, error_text, meaning, without_passwords
from aioscrapy.exceptions import AioscrapyError
from aioscrapy.os_signals import interruptible
from aioscrapy_deploy.terminal.text import one_line, printable
from aioscrapy_scrapyd.job import stdio
from aioscrapy_scrapyd.job.config import number, read_config
from aioscrapy_scrapyd.job.end_record import EndRecord
from aioscrapy_scrapyd.job.exceptions import RunnerError
from aioscrapy_scrapyd.job.job_files import JobFiles, JobLog, job_feeds, report, without_setting
from aioscrapy_scrapyd.job.progress import reported, shared_crawl, stats_of
from aioscrapy_scrapyd.job.project import find_egg, importable, project_name

_RECORDS = 100  # end records of a spider that are kept at least
# Feeds of a project that a job can't write; as in Scrapy, the feed of items_dir takes their place.
_STDOUT = ("-", "stdout:")
_INTERRUPTED = End(Reason.SHUTDOWN, 130, "interrupted before the crawl began")


def run_job(argv: Sequence[str]) -> int:
    """Run `crawl SPIDER …`; returns the exit status.

    The reason of the end goes to the job's log and its end record. Unless the exit status is 0, also to
    standard error, which is the daemon's log.
    """
    stdio.leave_pipes()
    job = _Job(argv)
    with interruptible() as signals:
        try:
            job.run()
        except KeyboardInterrupt:
            job.interrupted()
        except BaseException as exc:  # noqa: BLE001 everything that ends a job is a reason for its log
            job.failed(exc)
        signals.ignore()
        return job.close()


def interrupted(argv: Sequence[str]) -> int:
    """Write the end of a job that a signal ended before `run_job`; returns the exit status."""
    job = _Job(argv)
    job.interrupted()
    return job.close()


class _Job:
    """One job of Scrapyd.

    Attributes:
        end: how it ended; None until then.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self.end: End | None = None
        self._argv = list(argv)
        self._files = JobFiles.of(argv)
        self._log = JobLog(self._files.log)
        self._record = EndRecord(self._files, os.environ.get("SCRAPY_PROJECT", ""))
        self._crawler: Any = None

    def run(self) -> None:
        """Crawl to the end.

        Raises:
            AioscrapyError: the job could not start, or an error ended the crawl.
        """
        try:
            self._log.create()
        except OSError as exc:
            raise RunnerError(f"LOG_FILE can't be opened: {exc}") from exc
        project_name()
        self._record.begin(os.environ.get("SCRAPYD_EGG_VERSION"))
        config = read_config()
        kept = max(_RECORDS, int(number(config, "finished_to_keep")), int(number(config, "jobs_to_keep")))
        self._record.prune(kept)
        egg = find_egg(config)
        if egg is not None:
            self._record.begin(egg.version)
        with importable(config, egg):
            self._crawl()

    def interrupted(self) -> None:
        """Note a signal; a crawl that has ended before it keeps its end."""
        self.end = self.end or _end_of(self._crawler) or _INTERRUPTED

    def failed(self, exc: BaseException) -> None:
        """Note the error that ended the job."""
        self.end = _end_of(self._crawler)
        if self.end is not None:
            return  # the crawl has logged it
        is_ours = isinstance(exc, AioscrapyError)
        self.end = end_for(Reason.NOT_STARTED, str(exc) if is_ours else error_text(exc))
        cause = exc.__cause__ if is_ours else exc
        if cause is not None and not isinstance(cause, AioscrapyError):
            trace = "".join(traceback.format_exception(cause))
            self._log.write("ERROR", printable(without_passwords(f"{one_line(self.end.error)}\n{trace}")))

    def close(self) -> int:
        """Write the end to the log and to the record; returns the exit status."""
        end = self.end or end_for(Reason.CRASHED)
        error = one_line(end.error)
        text = f"Job ended ({end.reason}), exit status {end.exit_status}: {error or meaning(end.reason)}"
        if not end.finished and not (self._log.has(f"({end.reason})") and self._log.has(error)):
            self._log.write("ERROR" if end.exit_status else "INFO", text)
        if self._crawler is not None:
            self._record.share(shared_crawl(self._crawler))
        self._record.end(end, stats_of(self._crawler))
        if end.exit_status:
            report(error or text)
        return end.exit_status

    def _crawl(self) -> None:
        from aioscrapy.cmdline import parse
        from aioscrapy.commands.crawl import plan_crawl
        from aioscrapy.spiderloader import load_spider

        feeds = job_feeds(self._files, project_name())
        options = parse(without_setting(self._argv, "FEEDS") if feeds else self._argv)
        spider_class = load_spider(options.spider, options.settings)
        if feeds:
            own = options.settings.copy()
            spider_class.update_settings(own)
            others = {key: value for key, value in own.getdict("FEEDS").items() if key not in _STDOUT}
            options.settings.set("FEEDS", {**others, **feeds}, "cmdline")
        process, self._crawler = plan_crawl(spider_class, options)
        with reported(self._record, self._crawler):
            process.start()
        self.end = _end_of(self._crawler)


def _end_of(crawler: Any) -> End | None:
    if crawler is None or crawler.reason == "":
        return None
    end: End | None = getattr(crawler, "end", None)
    return end or end_for(crawler.reason)
