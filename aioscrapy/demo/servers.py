"""The programs that the quickstart starts and stops: the demo site and a node."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from aioscrapy.exceptions import AioscrapyError, ConfigError

_START_S = 30.0
_STOP_S = 10.0
_PAUSE_S = 0.05
# these programs are on this machine: no proxy of the environment is used
_OPENER = build_opener(ProxyHandler({}))


class DemoServerError(AioscrapyError):
    """A program of the demonstration did not start, or did not answer."""


def check_port_is_free(port: int) -> None:
    """Return if 127.0.0.1:`port` is free.

    Raises:
        ConfigError: The port is in use, or not allowed.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere the option lets two programs listen on one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise ConfigError(
                f"port {port} for the node can't be used ({exc.strerror}); choose another one with --port"
            ) from None


def local_environment() -> dict[str, str]:
    """Return the environment for child processes, without a proxy between programs on this machine."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    no_proxy = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))
    return {**os.environ, "no_proxy": no_proxy, "NO_PROXY": no_proxy}


def get_json(url: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON object of a GET, or of a POST with this form.

    Raises:
        DemoServerError: No answer, or not JSON.
    """
    try:
        with _OPENER.open(url, urlencode(form, doseq=True).encode() if form else None, timeout=30) as answer:
            decoded: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as exc:
        raise DemoServerError(f"{url}: {exc}") from exc
    return decoded


class SiteProcess:
    """The demo site as a process; it ends when its standard input closes, so not later than this process."""

    def __init__(self, pages: int, log: Path) -> None:
        self._command = [sys.executable, "-m", "aioscrapy.demo.site", "--until-stdin-closes"]
        self._command += ["--pages", str(pages)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.pages = 0

    def start(self) -> None:
        """Start the site; then `url` and `pages` are set.

        Raises:
            DemoServerError: The site ended at once.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C must not reach it: it is stopped last
            )
        announced = self._process.stdout.readline().decode().split() if self._process.stdout else []
        if not announced:
            raise DemoServerError(f"the demo site did not start (log: {self._log})")
        self.url, self.pages = announced[0], int(announced[1])

    def stats(self) -> dict[str, Any]:
        """Return the counts of the site: pages, fetched, requests."""
        return get_json(f"{self.url}stats.json")

    def stop(self) -> None:
        """Stop the site."""
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class ScrapydProcess:
    """A node on 127.0.0.1:`port`: the real Scrapyd with `conf` as `folder/scrapyd.conf`."""

    def __init__(self, folder: Path, port: int, conf: str) -> None:
        self.folder = folder
        self._port = port
        self._conf = conf
        self.log = folder / "scrapyd.log"
        self.url = f"http://127.0.0.1:{port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Scrapyd; return when it answers.

        Raises:
            DemoServerError: Scrapyd ended at once, or did not answer within 30 seconds.
        """
        # both variables win over every scrapyd.conf of this machine and this user
        address = {"SCRAPYD_BIND_ADDRESS": "127.0.0.1", "SCRAPYD_HTTP_PORT": str(self._port)}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scrapyd.conf").write_text(self._conf, encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scrapyd", "--pidfile="],
                cwd=self.folder,
                env={**local_environment(), **address},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(DemoServerError):
                self.api("daemonstatus")
                return
            if self.pause():
                raise DemoServerError(f"Scrapyd ended at once (log: {self.log})")
        raise DemoServerError(f"Scrapyd did not answer within {_START_S:.0f} s (log: {self.log})")

    def api(self, name: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a JSON service: GET, or POST with a form.

        Raises:
            DemoServerError: No answer, or `status: error`.
        """
        answer = get_json(f"{self.url}{name}.json", form)
        if answer.get("status") != "ok":
            raise DemoServerError(f"Scrapyd answered {name} with an error: {answer.get('message')}")
        return answer

    def jobs(self) -> dict[str, list[dict[str, Any]]]:
        """Return the jobs by what they do: pending, running (also those that start or stop), ended.

        Raises:
            DemoServerError: No answer.
        """
        return get_json(f"{self.url}api/v1/jobs")

    def pause(self, pause_s: float = _PAUSE_S) -> bool:
        """Wait; return True at once if the daemon has ended."""
        if self._process is None:
            return True
        try:
            self._process.wait(pause_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Stop its jobs, then the daemon."""
        if self._process is None:
            return
        if self._process.poll() is None:
            with contextlib.suppress(DemoServerError):
                self._cancel_jobs()
            self._process.terminate()
            if not self.pause(_STOP_S):
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    def _cancel_jobs(self) -> None:
        listed = self.jobs()
        for job in (listed["pending"] + listed["running"]) * 2:  # the second signal ends them at once
            self.api("cancel", {"project": job["project"], "job": job["job"]})
        deadline = time.monotonic() + _STOP_S
        while time.monotonic() < deadline and self.jobs()["running"]:
            if self.pause():
                return

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
