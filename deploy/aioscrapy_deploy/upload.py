"""One egg to one Scrapyd: the versions before it, the upload, and its removal if the server can't list it.

After an answer that is not a clear success, the versions on the server decide: the egg is deployed, or it is
deleted again.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from aioscrapy_deploy.build.project import Built
from aioscrapy_deploy.eggs.versions import is_latest, stored_name
from aioscrapy_deploy.errors import NoAnswerError, RefusedError, ScrapydError, ServerError, VersionError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import Answer, Versions
from aioscrapy_deploy.targets import Target
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.text import printable
from aioscrapy_deploy.terminal.upload_bar import upload_bar

T = TypeVar("T")
CLEANUP_S = 10  # seconds for a server to delete a version after Ctrl-C
# seconds until an egg that a proxy delays may have arrived, or a server that is away is asked again
LATE_S = 2.0
_TRIES = 5
_TOO_BUSY = {502, 503, 504}
_NEVER_STORED = range(400, 500)  # statuses with which a server or a proxy refuses the upload itself


@dataclass(frozen=True, eq=False)
class Destination:
    """One Scrapyd to deploy to, and the versions that it had before.

    Attributes:
        versions: None if the server did not answer.
        trouble: the error, if it did not answer.
    """

    target: Target
    client: ScrapydClient
    project: str
    versions: Versions | None
    trouble: ServerError | None = None

    @classmethod
    def inspect(cls, target: Target, client: ScrapydClient, project: str) -> "Destination":
        """Ask a Scrapyd for its versions; a failure is kept for the upload to report."""
        try:
            return cls(target, client, project, client.versions(project))
        except ServerError as exc:
            return cls(target, client, project, None, exc)

    @property
    def stored(self) -> list[str] | None:
        """The names of the versions, the latest last; None if the server did not answer."""
        return self.versions.names if self.versions is not None else None

    @property
    def current(self) -> str | None:
        """The version that jobs use there; None if there is none, or the server did not answer."""
        return self.versions.in_use if self.versions is not None else None

    def may_have(self, version: str) -> bool:
        """Return whether a version was, or may have been, on the server before the upload."""
        return self.stored is None or stored_name(version) in self.stored

    def check(self, version: str, *, force: bool) -> str | None:
        """Return a warning about a version, or None.

        Raises:
            VersionError: jobs would use another version, and `force` is not set.
        """
        sorted_by_name = self.versions is not None and self.versions.active is None  # not on a node
        if sorted_by_name and not is_latest(version, self.stored or []):
            text = (
                f"version {version} would not be the latest in {self.client.url}: Scrapyd sorts the name "
                f"{stored_name(version)} before {self.current}"
            )
            if not force:
                raise VersionError(f"{text} (deploy it anyway: --force)")
            return f"Warning: {text}"
        if stored_name(version) in (self.stored or []):
            return f"Warning: version {version} in {self.client.url} is replaced"
        return None


def upload(destination: Destination, version: str, built: Built) -> str | None:
    """Upload to one Scrapyd and report its answer; return the reason of a failure, None for a success."""
    with _removed_at_interrupt(destination, version):
        return _upload(destination, version, built)


def _upload(destination: Destination, version: str, built: Built) -> str | None:
    endpoint = destination.client.upload_endpoint(destination.project, version)
    report(f'Deploying to project "{destination.project}" in {endpoint}')
    if isinstance(destination.trouble, NoAnswerError):
        report(f"Deploy failed: {destination.trouble}")
        return "no answer"
    try:
        with upload_bar(len(built.data)) as on_sent:
            answer = destination.client.addversion(destination.project, version, built.data, on_sent)
    except RefusedError as exc:
        _report_refusal(exc)
        return _settle(destination, version, built, f"status {exc.status}", exc)
    except ScrapydError as exc:  # a node that refuses has changed nothing
        report(f"Deploy failed: {exc}")
        report(_as_it_was(destination))
        return str(exc)
    except ServerError as exc:
        report(f"Deploy failed: {exc}")
        failure = "no answer" if isinstance(exc, NoAnswerError) else str(exc)
        return _settle(destination, version, built, failure, exc)
    report(f"Server response ({answer.status}):")
    print(printable(answer.text), flush=True)
    return _read(destination, version, built, answer)


def _read(destination: Destination, version: str, built: Built, answer: Answer) -> str | None:
    """Return why the answer to an upload is a failure, and delete the version; None for a success."""
    status = (answer.data or {}).get("status")
    count = (answer.data or {}).get("spiders")
    failure = answer.failure
    if failure is None:
        failure = _missing_spiders(count if isinstance(count, int) else None, built)
        if failure is None:
            return None
    report(f"Deploy failed: {'the server says: ' if status == 'error' else ''}{failure}")
    if status not in {"ok", "error"}:
        return _settle(destination, version, built, failure)
    report(_take_off(destination, version))
    return failure


def _missing_spiders(count: int | None, built: Built) -> str | None:
    if not built.spiders or count is None or count >= len(built.spiders):
        return None
    number = f"{count} spiders" if count else "no spider"
    return f"the server finds {number} in the egg, which has {', '.join(built.spiders)}: see the server's log"


def _settle(
    destination: Destination, version: str, built: Built, failure: str, error: ServerError | None = None
) -> str | None:
    """Ask the server after an unclear answer; return the reason of a failure, None for a success.

    `error` is the error of the upload, if it had no answer with a status below 300.
    """
    client, project = destination.client, destination.project
    refused = isinstance(error, RefusedError) and error.status in _NEVER_STORED
    try:
        versions = _ask(lambda: client.versions(project), tries=1 if refused else _TRIES)
    except ServerError as exc:
        if not refused:
            report(f"Warning: it is not known whether version {version} is on the server now: {exc}")
        return failure
    if stored_name(version) not in versions.names and _may_arrive_late(error):
        time.sleep(LATE_S)
        with suppress(ServerError):
            versions = client.versions(project)
    if stored_name(version) not in versions.names:
        report(f"Version {version} is not on the server; {versions.summary}")
        return failure
    try:
        spiders = _ask(
            lambda: client.listspiders(project, version)
        )  # slow, while the upload still lists them
    except ServerError as exc:
        unclear = isinstance(exc, NoAnswerError | RefusedError) and destination.may_have(version)
        report(f"The server can't list the spiders of version {version}: {exc}")
        report(_old_or_new(version) if unclear else _take_off(destination, version))
        return failure
    if missing := _missing_spiders(len(spiders), built):
        report(f"Deploy failed: {missing}")
        report(_old_or_new(version) if destination.may_have(version) else _take_off(destination, version))
        return failure
    if destination.may_have(version):
        report(_old_or_new(version))
        return failure
    count = f"{len(spiders)} spider{'s' if len(spiders) != 1 else ''}"
    report(f"Version {version} is deployed anyway: the server has it, and lists {count}")
    return None


def _ask(question: Callable[[], T], *, tries: int = _TRIES) -> T:
    """Ask a server; again after a pause if it is away, or a proxy answers for it."""
    for _ in range(tries - 1):
        try:
            return question()
        except NoAnswerError as exc:
            if exc.timed_out:
                raise
        except RefusedError as exc:
            if exc.status not in _TOO_BUSY:
                raise
        time.sleep(LATE_S)
    return question()


def _may_arrive_late(error: ServerError | None) -> bool:
    """Return True if the upload may still arrive after its answer, or after the time limit."""
    if isinstance(error, RefusedError):
        return error.status in _TOO_BUSY
    return isinstance(error, NoAnswerError) and error.timed_out


def _old_or_new(version: str) -> str:
    return f"Warning: version {version} may be the old or the new egg; deploy again to be sure"


def _take_off(destination: Destination, version: str, client: ScrapydClient | None = None) -> str:
    """Delete a version that failed; return a line about the remaining versions."""
    client = client or destination.client
    try:
        versions = client.versions(destination.project)
        if stored_name(version) not in versions.names:
            return f"Version {version} is not on the server; {versions.summary}"
        with suppress(ServerError):  # the remaining versions decide
            client.delversion(destination.project, version)
        left = client.versions(destination.project)
    except ServerError as exc:
        return f"Warning: it is not known whether version {version} is on the server now: {exc}"
    if stored_name(version) in left.names:
        return f"Warning: version {version} can't be deleted on the server: jobs use {left.in_use}"
    return f"Version {version} is deleted on the server again; {left.summary}"


def _as_it_was(destination: Destination) -> str:
    versions = destination.versions or Versions([])
    return f"Nothing has changed on the server; {versions.summary}"


@contextmanager
def _removed_at_interrupt(destination: Destination, version: str) -> Iterator[None]:
    """Delete an unchecked version at Ctrl-C or SIGTERM; a version that was there before stays."""
    try:
        yield
    except KeyboardInterrupt:
        if stored_name(version) not in (destination.stored or []):
            with suppress(KeyboardInterrupt):  # a second one: end at once
                report(_take_off(destination, version, destination.client.with_timeout(CLEANUP_S)))
        raise


def _report_refusal(refused: RefusedError) -> None:
    report(f"Deploy failed ({refused.status}):")
    try:
        data = json.loads(refused.body)
    except ValueError:
        print(printable(refused.body), flush=True)
    else:
        if isinstance(data, dict) and "status" in data and "message" in data:
            print(printable(f"Status: {data['status']}\nMessage:\n{data['message']}"), flush=True)
        else:
            print(json.dumps(data, indent=3), flush=True)
    if refused.hint:
        report(refused.hint)
