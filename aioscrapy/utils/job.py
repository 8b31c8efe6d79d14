"""The folder of a job."""

from pathlib import Path
from typing import Any


def job_dir(settings: Any) -> str | None:
    """Return the folder of JOBDIR, created if need be; None if it is not set."""
    path: str | None = settings["JOBDIR"]
    if not path:
        return None
    Path(path).mkdir(parents=True, exist_ok=True)
    return path
