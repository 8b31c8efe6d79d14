"""The Git commit of the folder from which an egg is built."""

import os
import subprocess
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """The commit of a folder.

    Attributes:
        id: 40 (or 64) hex digits.
        dirty: a tracked file differs from the commit, or an untracked one that Git does not ignore is packed.
    """

    id: str
    dirty: bool


def read_commit(folder: Path, packed: Container[str]) -> tuple[Commit | None, str]:
    """Return the commit of `folder`, and the reason if Git refuses to report it ("" if not).

    There is no commit if no file of the folder is in Git. `packed` has the paths of the packed files below
    `folder`. Other folders of the same repository are ignored.
    """
    head, refusal = _git(folder, "rev-parse", "--verify", "HEAD")
    if not head:
        return None, refusal if "safe.directory" in refusal else ""
    if not _git(folder, "ls-files", "-z", "--", ".")[0]:
        return None, ""  # also a folder that a repository above it ignores
    above = _git(folder, "rev-parse", "--show-prefix")[0] or ""
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    changes = _git(folder, *status)[0]
    if changes is None:
        return None, ""
    changed = [line for line in changes.split("\0") if line]
    dirty = any(line[:2] != "??" or line[3:].removeprefix(above.rstrip("\n")) in packed for line in changed)
    return Commit(head.strip(), dirty), ""


def refusal_reason(printed: str) -> str:
    """Return the first line that Git or Mercurial printed, with Git's advice about a repository's owner."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    advice = [line for line in lines[1:] if "safe.directory" in line]
    return "; to allow it: ".join([*lines[:1], *advice[:1]])


def _git(folder: Path, *arguments: str) -> tuple[str | None, str]:
    """Return what git prints, None if it fails or is not installed, and its reason. It only reads."""
    try:
        done = subprocess.run(  # noqa: S603 fixed words
            ["git", "--no-optional-locks", *arguments],  # noqa: S607 the user's git
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None, ""
    if done.returncode:
        return None, refusal_reason(os.fsdecode(done.stderr))
    return os.fsdecode(done.stdout), ""
