"""What every crawler's program prints at its end; the standard library only, it runs in all environments."""

import contextlib
import json
import resource
import time
from pathlib import Path

_first = Path("first_request")  # a file: a worker process may be who asks first
_noted: list[bool] = []


def first_request() -> None:
    """Note the time, once: the crawl's first request is about to leave."""
    if not _noted:
        _noted.append(True)
        with contextlib.suppress(FileExistsError), _first.open("x") as file:
            file.write(str(time.time()))


def tell(workers: int = 0) -> None:
    """Print the figures as one line of JSON; with as many worker processes, of all, the largest for each.

    VmHWM, because ru_maxrss of a program counts what its parent had when it started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak = int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    first = float(_first.read_text()) if _first.exists() else 0.0
    print(json.dumps({"first_request": first, "peak_mib": peak / 1024}), flush=True)
