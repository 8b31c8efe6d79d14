"""The figures that every crawler prints at its end. Uses only the standard library: peers import it."""

import contextlib
import json
import resource
import time
from pathlib import Path

_first = Path("first_request")  # a file, because a worker process may send the first request
_done: list[bool] = []


def first_request() -> None:
    """Store the time of the first request; later calls do nothing."""
    if not _done:
        _done.append(True)
        with contextlib.suppress(FileExistsError), _first.open("x") as file:
            file.write(str(time.time()))


def print_figures(workers: int = 0) -> None:
    """Print the figures as one line of JSON. Each worker process counts with the memory of the largest.

    VmHWM and not ru_maxrss, which includes the memory of the parent at the start.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak = int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    first = float(_first.read_text()) if _first.exists() else 0.0
    print(json.dumps({"first_request": first, "peak_mib": peak / 1024}), flush=True)
