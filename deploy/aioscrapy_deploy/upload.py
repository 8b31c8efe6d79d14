"""One egg to one Scrapyd: what is there before, the upload, and the way back where it does not do there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from aioscrapy_deploy.build.project import Built
from aioscrapy_deploy.eggs.versions import is_latest, latest, stored_name
from aioscrapy_deploy.errors import NoAnswerError, RefusedError, ServerError, VersionError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import Answer
from aioscrapy_deploy.targets import Target
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.upload_bar import upload_bar

CLEANUP_S = 10  # seconds for a server to take a version off after Ctrl-C


@dataclass(frozen=True, eq=False)
class Place:
    """One Scrapyd to deploy to, and the versions that it had before.

    Attributes:
        stored: names of versions, the latest last; None where it did not tell.
        trouble: why it did not.
    """

    target: Target
    client: ScrapydClient
    project: str
    stored: list[str] | None
    trouble: ServerError | None = None

    @classmethod
    def seen(cls, target: Target, client: ScrapydClient, project: str) -> "Place":
        """Ask a Scrapyd for its versions; an answer that is none is for the upload to tell."""
        try:
            return cls(target, client, project, client.listversions(project))
        except ServerError as exc:
            return cls(target, client, project, None, exc)

    @property
    def current(self) -> str | None:
        """The version that jobs get there; None where there is none, or it did not tell."""
        return latest(self.stored or [])

    def check(self, version: str, *, force: bool) -> str | None:
        """Return a warning about a version, or None.

        Raises:
            VersionError: jobs would go on with another version, and nobody said `force`.
        """
        if not is_latest(version, self.stored or []):
            text = (
                f"version {version} would not be the latest in {self.client.url}: Scrapyd sorts the name "
                f"{stored_name(version)} before {self.current}"
            )
            if not force:
                raise VersionError(f"{text} (--force deploys it all the same)")
            return f"Warning: {text}"
        if stored_name(version) in (self.stored or []):
            return f"Warning: version {version} is in {self.client.url} already, and is replaced"
        return None


def upload(place: Place, version: str, built: Built) -> str | None:
    """Upload to one Scrapyd and tell its answer; returns why the version is not there as it should be.

    A version that the Scrapyd has stored, but can't list, is taken off again.
    """
    report(f'Deploying to project "{place.project}" in {place.client.endpoint("addversion.json")}')
    try:
        if isinstance(place.trouble, NoAnswerError):
            raise place.trouble
        with _taken_off_at_interrupt(place, version), upload_bar(len(built.data)) as on_sent:
            answer = place.client.addversion(place.project, version, built.data, on_sent)
    except RefusedError as exc:
        _report_refusal(exc)
        return f"status {exc.status}"
    except NoAnswerError as exc:
        report(f"Deploy failed: {exc}")
        if exc is not place.trouble:
            report(_after_no_answer(place, version))
        return "no answer"
    except ServerError as exc:
        report(f"Deploy failed: {exc}")
        return str(exc)
    report(f"Server response ({answer.status}):")
    print(answer.text, flush=True)
    failure = answer.failure or _missing_spiders(answer, built.spiders)
    if not failure:
        return None
    says = "the server says: " if (answer.data or {}).get("status") == "error" else ""
    report(f"Deploy failed: {says}{failure}")
    if answer.data and answer.data.get("status") in {"ok", "error"}:
        report(_take_off(place, version))
    return failure


def _missing_spiders(answer: Answer, spiders: list[str] | None) -> str | None:
    count = (answer.data or {}).get("spiders")
    if not spiders or not isinstance(count, int) or count >= len(spiders):
        return None
    found = f"{count} spiders" if count else "no spider"
    return f"the server finds {found} in the egg, which has {', '.join(spiders)}: see the server's log"


def _after_no_answer(place: Place, version: str) -> str:
    """Take the version off, but for one that was there before: the old egg may be what is there still."""
    if stored_name(version) not in (place.stored or []):
        return _take_off(place, version)
    return f"Warning: nobody knows whether version {version} is the old egg or the new one now: deploy again"


def _take_off(place: Place, version: str, client: ScrapydClient | None = None) -> str:
    """Delete a version that failed; returns a line about what is there now."""
    client = client or place.client
    try:
        stored = client.listversions(place.project)
        if stored_name(version) not in stored:
            return f"Version {version} is not on the server; {_now(stored)}"
        client.delversion(place.project, version)
        left = client.listversions(place.project)
    except ServerError as exc:
        return f"Warning: nobody knows whether version {version} is on the server now: {exc}"
    return f"Version {version} is taken off the server again; {_now(left)}"


def _now(stored: list[str]) -> str:
    return f"the latest there is {latest(stored)}" if stored else "the project has no version there"


@contextmanager
def _taken_off_at_interrupt(place: Place, version: str) -> Iterator[None]:
    """Take an unchecked version off when Ctrl-C or SIGTERM comes; one that was there before stays."""
    try:
        yield
    except KeyboardInterrupt:
        if stored_name(version) not in (place.stored or []):
            with suppress(KeyboardInterrupt):  # a second one: whoever is there wants to leave at once
                report(_take_off(place, version, place.client.hurried(CLEANUP_S)))
        raise


def _report_refusal(refused: RefusedError) -> None:
    report(f"Deploy failed ({refused.status}):")
    try:
        data = json.loads(refused.body)
    except ValueError:
        print(refused.body, flush=True)
    else:
        if isinstance(data, dict) and "status" in data and "message" in data:
            print(f"Status: {data['status']}\nMessage:\n{data['message']}", flush=True)
        else:
            print(json.dumps(data, indent=3), flush=True)
    if refused.hint:
        report(refused.hint)
