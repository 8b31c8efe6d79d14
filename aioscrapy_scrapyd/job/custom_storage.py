"""A custom egg storage: the only file of a job that imports Scrapyd, and with it Twisted."""

import sys
from pathlib import Path
from typing import IO, Any

from aioscrapy_deploy.terminal.text import one_line
from aioscrapy_scrapyd.job.exceptions import RunnerError


def open_stored(path: str, project: str, version: str | None) -> tuple[IO[bytes], str | None] | None:
    """Return the egg, and its version, of the storage class at this dotted path; None if it has none.

    Raises:
        RunnerError: the storage can't be loaded, or it failed.
    """
    from aioscrapy.components import load_object

    # The daemon's folder is off sys.path because of the egg; the operator's storage may lie in that folder.
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        storage = load_object(path, "eggstorage")
    finally:
        sys.path.remove(here)
    stored: Any
    egg: Any
    try:
        from scrapyd.config import Config

        stored, egg = storage(Config()).get(project, version)
    except Exception as exc:
        raise RunnerError(f"egg storage {path} failed: {type(exc).__name__}: {one_line(str(exc))}") from exc
    return None if egg is None else (egg, stored)
