"""The real Scrapyd of this environment, on a free port, with our runner."""

import configparser
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from coverage import Coverage

from aioscrapy.db.embedded import free_port
from support import child_environment

# Seconds until a daemon has to answer: it needs 4 s of CPU, and a loaded machine gives it a tenth of one.
READY_S = 90
DEFAULTS = {
    "eggs_dir": "eggs",
    "logs_dir": "logs",
    "items_dir": "items",
    "dbs_dir": "dbs",
    "bind_address": "127.0.0.1",
    "poll_interval": "0.2",
    "runner": "aioscrapy.scrapyd.runner",
}
# Scrapyd ends by the signal that it gets, without what Python does at an exit: its coverage is saved before.
COVERED = """
from coverage import Coverage
from scrapyd.__main__ import main
from twisted.application import app

def end(number, end=app._exitWithSignal):
    Coverage.current().save()
    end(number)

app._exitWithSignal = end
main()
"""


class ScrapydServer:
    """A daemon whose files stand in `folder`; `conf` overrides keys of its [scrapyd] section.

    A key with the value None is left out. `conf_text` is a whole scrapyd.conf of which only the host and the
    port are changed. The daemon and its jobs run in `python` (None: this one); its own log is
    `folder/scrapyd.log`. `wrapper` is a command that executes the daemon's command.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        port: int | None = None,
        conf: dict[str, str | None] | None = None,
        conf_text: str | None = None,
        environment: dict[str, str] | None = None,
        python: Path | None = None,
        login: tuple[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.folder = Path(folder).resolve()
        self.port = port or free_port()
        self.daemon_log = self.folder / "scrapyd.log"
        self._conf = {**DEFAULTS, **(conf or {})}
        self._conf_text = conf_text
        self._python = python or Path(sys.executable)
        self._environment = child_environment(**(environment or {}))
        self._wrapper = wrapper
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        if login is not None:
            self._session.auth = login
        elif self._conf.get("username"):
            self._session.auth = (str(self._conf["username"]), str(self._conf["password"]))

    @property
    def url(self) -> str:
        """Where the daemon answers, with the slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the daemon has not been started"
        return self._process.pid

    def start(self) -> None:
        """Write scrapyd.conf, start the `scrapyd` command, return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = configparser.ConfigParser(interpolation=None)
        if self._conf_text is not None:
            conf.read_string(self._conf_text)
            conf["scrapyd"]["bind_address"] = "127.0.0.1"
        else:
            conf["scrapyd"] = {name: value for name, value in self._conf.items() if value is not None}
        conf["scrapyd"]["http_port"] = str(self.port)
        with (self.folder / "scrapyd.conf").open("w", encoding="utf-8") as file:
            conf.write(file)
        with self.daemon_log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._wrapper, str(self._python), *self._program(), "--pidfile="],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def api(self, name: str, method: str = "GET", **params: Any) -> dict[str, Any]:
        """Call one JSON service, as `api("schedule", "POST", project=…, spider=…)`; returns the answer."""
        fields = {"data": params} if method == "POST" else {"params": params}
        reply = self._session.request(method, f"{self.url}{name}.json", timeout=60, **fields)
        decoded: dict[str, Any] = reply.json()
        return decoded

    def jobs(self, state: str, project: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the pending, running or finished jobs: id -> its entry in listjobs.json."""
        listed = self.api("listjobs", **({"project": project} if project else {}))
        return {job["id"]: job for job in listed[state]}

    def wait_job(self, job: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Return the job's entry when it has finished; fails with the daemon's log after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            finished = self.jobs("finished")
            if job in finished:
                return finished[job]
            self._pause()
        raise AssertionError(f"job {job} has not finished in {timeout_s} s:\n{self.daemon_text()[-4000:]}")

    def wait_running(self, job: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """Return the job's entry, with its pid, when its process has been started; also if it has ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            listed = self.api("listjobs")
            for entry in (*(one for one in listed["running"] if one["pid"]), *listed["finished"]):
                if entry["id"] == job:
                    return dict(entry)
            self._pause()
        raise AssertionError(f"job {job} has not started in {timeout_s} s:\n{self.daemon_text()[-4000:]}")

    def log_path(self, project: str, spider: str, job: str) -> Path:
        return self.folder / "logs" / project / spider / f"{job}.log"

    def log(self, project: str, spider: str, job: str) -> str:
        """Return the text of a job's log."""
        return self.log_path(project, spider, job).read_text(encoding="utf-8")

    def items(self, project: str, spider: str, job: str) -> list[dict[str, Any]]:
        """Return the items that a job wrote to its feed."""
        feed = self.folder / "items" / project / spider / f"{job}.jl"
        return [json.loads(line) for line in feed.read_text(encoding="utf-8").splitlines()]

    def daemon_text(self) -> str:
        """Return what the daemon has logged."""
        return self.daemon_log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End the jobs (by force), then the daemon; nothing of either is left."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._end_jobs()
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None
        self._session.close()

    def kill(self) -> None:
        """Kill the daemon alone, as a power cut of it would; its jobs live on until `stop`."""
        assert self._process is not None, "the daemon has not been started"
        self._process.kill()
        self._process.wait()

    def end(self, number: int) -> None:
        """End the daemon alone by a signal; its jobs live on until `stop`."""
        assert self._process is not None, "the daemon has not been started"
        self._process.send_signal(number)
        self._process.wait(30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _program(self) -> list[str]:
        is_covered = Coverage.current() is not None and self._python == Path(sys.executable)
        return ["-c", COVERED] if is_covered else ["-m", "scrapyd"]

    def _end_jobs(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                listed = self.api("listjobs")
                for job in listed["pending"]:
                    self.api("cancel", "POST", project=job["project"], job=job["id"])
            except requests.RequestException:
                return
            if not listed["running"] and not listed["pending"]:
                return
            for pid in filter(None, (job["pid"] for job in listed["running"])):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._pause()

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                if self.api("daemonstatus")["status"] == "ok":
                    return
            except (requests.RequestException, ValueError):
                pass
            if process.poll() is not None:
                raise AssertionError(f"Scrapyd ended at once:\n{self.daemon_text()[-4000:]}")
            self._pause()
        process.kill()  # nobody calls `stop` after a start that failed
        process.wait()
        raise AssertionError(f"Scrapyd did not answer within {READY_S} s:\n{self.daemon_text()[-4000:]}")

    def _pause(self) -> None:
        # the daemon announces nothing: only another request shows a change, and the wait ends with the daemon
        assert self._process is not None
        try:
            self._process.wait(0.05)
        except subprocess.TimeoutExpired:
            return
