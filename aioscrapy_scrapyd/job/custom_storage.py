"""A custom egg storage: the only file of a job that imports Scrapyd, and with it Twisted."""

import sys
from pathlib import Path
from typing import IO, Any

from aioscrapy.components import load_object
from aioscrapy_scrapyd.job.config import one_line
from aioscrapy_scrapyd.job.exceptions import RunnerError


def open_stored(path: str, project: str, version: str | None) -> IO[bytes] | None:
    """Return the egg that the storage class at this dotted path returns; None if it has none.

    Raises:
        RunnerError: the storage can't be loaded, or it failed.
    """
    # The daemon's folder is off sys.path because of the egg; the operator's storage may lie in that folder.
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        storage = load_object(path, "eggstorage")
    finally:
        sys.path.remove(here)
    egg: Any
    try:
        from scrapyd.config import Config

        _, egg = storage(Config()).get(project, version)
    except Exception as exc:
        raise RunnerError(f"egg storage {path} failed: {type(exc).__name__}: {one_line(exc)}") from exc
    return egg  # type: ignore[no-any-return]  # what IEggStorage.get promises
