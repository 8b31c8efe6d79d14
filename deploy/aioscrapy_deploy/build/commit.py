"""What Git says of the folder that an egg is built from."""

import os
import subprocess
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """The commit that a folder stands at.

    Attributes:
        id: 40 (or 64) hex digits.
        dirty: a file of Git's differs from the commit, or a new one that Git does not ignore travels.
    """

    id: str
    dirty: bool


def read_commit(folder: Path, travelling: Container[str]) -> Commit | None:
    """Return the commit of `folder`; None where no file of it is in Git, or Git can't tell.

    `travelling` are the paths below `folder` of the files that are packed. What Git holds elsewhere, in
    another folder of the same repository, does not count.
    """
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    if not head or not _git(folder, "ls-files", "-z", "--", "."):
        return None  # or a folder that a repository above it ignores
    above = _git(folder, "rev-parse", "--show-prefix") or ""
    listed = _git(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    if listed is None:
        return None
    changed = [line for line in listed.split("\0") if line]
    return Commit(
        head.strip(),
        any(line[:2] != "??" or line[3:].removeprefix(above.rstrip("\n")) in travelling for line in changed),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it fails or is not there. The repository is only read."""
    try:
        done = subprocess.run(  # noqa: S603 fixed words
            ["git", "--no-optional-locks", *arguments],  # noqa: S607 the user's git
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return None if done.returncode else os.fsdecode(done.stdout)
