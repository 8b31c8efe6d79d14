"""The version that an egg is stored under: given, from Mercurial or Git, or the time."""

import subprocess
import time
from pathlib import Path

from aioscrapy_deploy.errors import VersionError


def resolve_version(asked: str | None, folder: Path) -> str:
    """Turn what option or target say into a version.

    `HG` gives `r{rev}-{branch}`; `GIT` gives `git describe` or else `r{commits}`, then `-{branch}`;
    any other text is itself; none is the time in whole seconds since 1970.

    Raises:
        VersionError: `folder` is in no such repository, or it has no commit.
    """
    if asked == "HG":
        revision = _ask("hg", "tip", "--template", "{rev}", folder=folder)
        return f"r{revision}-{_ask('hg', 'branch', folder=folder)}"
    if asked == "GIT":
        return f"{_describe(folder)}-{_ask('git', 'rev-parse', '--abbrev-ref', 'HEAD', folder=folder)}"
    return asked or str(int(time.time()))


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
        raise VersionError(f"Error: version {program.upper()}: there is no {program} here") from None
    if done.returncode or not done.stdout.strip():
        said = done.stderr.strip().splitlines()
        raise VersionError(
            f"Error: version {program.upper()}: {said[0] if said else f'{program} says nothing'}"
        )
    return done.stdout.strip()
