"""Settings, environment and files of a job's process."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import scrapyd.environ
from scrapyd.utils import local_items
from typing_extensions import override

from aioscrapy_scrapyd.command import Command, Files
from aioscrapy_scrapyd.processes import MARK, RECORD
from aioscrapy_scrapyd.state.job import Job


class Environment(scrapyd.environ.Environment):
    """Scrapyd's environment, which deletes no log of a job that is still running.

    Args:
        config: Scrapyd's `Config`.
        live: returns the jobs that have a process.
        active: returns the version that a job of a project without a version runs.
    """

    def __init__(
        self,
        config: Any,
        live: Callable[[], Iterable[Job]] = tuple,
        active: Callable[[str], str | None] | None = None,
    ) -> None:
        super().__init__(config)
        self._runner = config.get("runner", "scrapyd.runner")
        self._live = live
        self._active = active or (lambda project: None)
        self._state_dir = Path(self.dbs_dir if self.dbs_dir != ":memory:" else ".").absolute() / "node"

    def command(self, job: Job) -> Command:
        """Return how the job's process is started; makes folders and deletes old logs: for a thread."""
        message: dict[str, Any] = {
            "_project": job.project,
            "_spider": job.spider,
            "_job": job.id,
            **job.args,
        }
        spider_arguments = {"_job": job.id, **job.args}
        if job.version is not None:
            spider_arguments["_version"] = message["_version"] = job.version
        else:
            version = self._active(job.project)
            if version is not None:
                job.version = message["_version"] = version
        settings = {**job.settings, **self.get_settings(message)}
        environment = self.get_environment(message, job.slot)
        for name in ("SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"):  # the daemon's, not for the code of users
            environment.pop(name, None)
        environment[MARK] = job.mark
        if not self.logs_dir:
            environment[RECORD] = str(self.files(job).record)
        arguments = ["-m", self._runner, "crawl", job.spider]
        for name, value in settings.items():
            arguments += ["-s", f"{name}={value}"]
        for name, value in spider_arguments.items():
            arguments += ["-a", f"{name}={value}"]
        return Command(arguments, environment, settings.get("LOG_FILE", ""), self._items(settings))

    def folders(self) -> list[Path]:
        """Return the folders in which jobs leave files."""
        items = [self.items_dir] if local_items(self.items_dir, urlsplit(self.items_dir)) else []
        named = [Path(folder).absolute() for folder in (self.logs_dir, *items) if folder]
        return [*named, self._state_dir / "stderr"]

    def files(self, job: Job) -> Files:
        """Return where the job leaves its end record and its last words."""
        record = (
            Path(self.logs_dir or self._state_dir).absolute()
            / job.project
            / ".ends"
            / job.spider
            / f"{job.id}.json"
        )
        return Files(record, self._state_dir / "stderr" / job.project / job.spider / f"{job.id}.txt")

    def _items(self, settings: dict[str, str]) -> str:
        """Return the file of the items; "" if they go elsewhere."""
        if not self.items_dir or not local_items(self.items_dir, urlsplit(self.items_dir)):
            return ""
        return unquote(urlsplit(next(iter(json.loads(settings["FEEDS"])))).path)

    @override
    def _prepare_file(self, message: dict[str, Any], directory: str, extension: str) -> str:
        """Return the path of a job's file; delete the oldest files of its spider, but none of a live job."""
        path = scrapyd.environ.get_file_path(
            directory, message["_project"], message["_spider"], f"{message['_job']}.{extension}"
        )
        folder = Path(path.dirname())
        folder.mkdir(parents=True, exist_ok=True)
        live = {job.id for job in self._live() if job.project == message["_project"]}
        files = sorted(folder.iterdir(), key=os.path.getmtime)
        for old in files[: -self.jobs_to_keep]:
            if old.is_file() and old.stem not in live:
                old.unlink(missing_ok=True)
        return str(path.path)
