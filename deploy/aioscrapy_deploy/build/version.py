"""The version of a deploy: a given text, or from Mercurial, Git or the clock."""

import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from aioscrapy_deploy.build.commit import refusal_reason
from aioscrapy_deploy.eggs.versions import is_latest, stored_name
from aioscrapy_deploy.errors import VersionError


def resolve_version(wanted: str | None, folder: Path) -> str:
    """Return the version for the text of an option or a target.

    `HG` gives `r{rev}-{branch}`; `GIT` gives `git describe` or else `r{commits}`, then `-{branch}`;
    any other text is itself; without a text it is the time in whole seconds since 1970.

    Raises:
        VersionError: `folder` is in no such repository, or it has no commit.
    """
    if wanted == "HG":
        revision = _ask("hg", "tip", "--template", "{rev}", folder=folder)
        return f"r{revision}-{_ask('hg', 'branch', folder=folder)}"
    if wanted == "GIT":
        return f"{_describe(folder)}-{_ask('git', 'rev-parse', '--abbrev-ref', 'HEAD', folder=folder)}"
    return wanted or str(int(time.time()))


def newest_version(wanted: str | None, folder: Path, stored: Sequence[Iterable[str]]) -> str:
    """Return the version of `resolve_version`, or of HG, GIT and time one that is the latest on all servers.

    `stored` are the names in the storage of each server. If scrapyd-client's text of HG, GIT or time would
    not be the latest there, it is `z{seconds since 1970}`, then `-` and the text of HG or GIT.

    Raises:
        VersionError: as `resolve_version`.
    """
    text = resolve_version(wanted, folder)
    if wanted and wanted not in {"HG", "GIT"}:
        return text
    for candidate in _candidates(text, by_time=not wanted):
        name = stored_name(candidate)
        new = bool(wanted) or not any(name in names for names in stored)
        if new and all(is_latest(candidate, names) for names in stored):
            return candidate
    return text


def _candidates(text: str, *, by_time: bool) -> Iterator[str]:
    """Yield names for a version; every name sorts after the previous one, except the first of HG or GIT."""
    now = int(time.time())
    seconds = range(now, now + 60)  # one for every deploy in the same second
    if by_time:
        yield from map(str, seconds)
        yield from (f"z{second}" for second in seconds)
    else:
        yield text
        yield from (f"z{second}-{text}" for second in seconds)


def _describe(folder: Path) -> str:
    try:
        return _ask("git", "describe", folder=folder)
    except VersionError:
        return f"r{_ask('git', 'rev-list', '--count', 'HEAD', folder=folder)}"


def _ask(*command: str, folder: Path) -> str:
    program = command[0]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 fixed words
    except OSError:
        raise VersionError(f"version {program.upper()}: {program} is not installed here") from None
    if done.returncode or not done.stdout.strip():
        reason = refusal_reason(done.stderr) or f"{program} prints nothing"
        raise VersionError(f"version {program.upper()}: {reason}")
    return done.stdout.strip()
