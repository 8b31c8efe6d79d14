"""Which spiders an egg has: from its own record, else by asking the runner, never in the way of a request."""

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from aioscrapy_deploy.eggs.record import RECORD, recorded_spiders

# Seconds that a listing may take: it imports the project.
LIST_TIMEOUT_S = 60.0
# Listings that are remembered.
KEPT = 1000

Key = tuple[str, str | None, int, int]


class ListingError(Exception):
    """The runner could not list the spiders; its text is what the runner said."""


class SpiderNames:
    """Names of spiders by egg. A listing that is under way serves all who ask for it.

    Args:
        runner: the module that lists, `runner` of scrapyd.conf.
    """

    def __init__(self, runner: str) -> None:
        self._runner = runner
        self._known: dict[Key, list[str]] = {}
        self._asked: dict[Key, list[Deferred[list[str]]]] = {}

    async def of(
        self, project: str, version: str | None, egg: Path | None, *, recorded: bool = True
    ) -> list[str]:
        """Return the names of the spiders of an egg, or of a project that has none.

        Args:
            project: its name.
            version: of the egg.
            egg: its file; None for a project of [settings].
            recorded: the record in the egg may answer; False asks the runner in any case.

        Raises:
            ListingError: the project can't be listed here.
        """
        key = (project, version, *_stamp(egg))
        if key in self._known and egg is not None:
            return self._known[key]
        names = await deferToThread(_recorded, egg) if recorded and egg is not None else None
        if names is not None:
            return self._keep(key, names)
        waiting: Deferred[list[str]] = Deferred()
        first = key not in self._asked
        self._asked.setdefault(key, []).append(waiting)
        if first:
            listing = deferToThread(_list, self._runner, project, version)
            listing.addCallbacks(lambda names: self._answer(key, names), lambda error: self._fail(key, error))
        return await waiting

    def _answer(self, key: Key, names: list[str]) -> None:
        self._keep(key, names)
        for waiting in self._asked.pop(key):
            waiting.callback(names)

    def _fail(self, key: Key, failure: Any) -> None:
        for waiting in self._asked.pop(key):
            waiting.errback(failure.value)

    def _keep(self, key: Key, names: list[str]) -> list[str]:
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[key] = names
        return names


def _stamp(egg: Path | None) -> tuple[int, int]:
    try:
        status = egg.stat() if egg is not None else None
    except OSError:
        return 0, 0
    return (status.st_mtime_ns, status.st_size) if status else (0, 0)


def _recorded(egg: Path) -> list[str] | None:
    try:
        with zipfile.ZipFile(egg) as archive:
            return recorded_spiders({RECORD: archive.read(RECORD)})
    except Exception:  # noqa: BLE001 zipfile has many errors for a damaged file; the runner names them
        return None


def _list(runner: str, project: str, version: str | None) -> list[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "UTF-8", "SCRAPY_PROJECT": project}
    if version:
        environment["SCRAPYD_EGG_VERSION"] = version
    # Files, not pipes: a child of the project that lives on keeps nobody waiting.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603 the module that scrapyd.conf names
                [sys.executable, "-m", runner, "list", "-s", "LOG_STDOUT=0"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as exc:
            raise ListingError(f"the runner could not be started: {exc.strerror}") from exc
        try:
            status = process.wait(LIST_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ListingError(f"the project was not listed within {LIST_TIMEOUT_S:g} s") from None
        if status:
            raise ListingError(_text(err).strip() or _text(out).strip() or f"the runner ended with {status}")
        return _text(out).splitlines()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
