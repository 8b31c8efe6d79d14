"""What every crawler's program prints at its end; the standard library only, it runs in all environments."""

import json
import resource
import time
from pathlib import Path

_first: list[float] = []


def first_request() -> None:
    """Note the time, once: the crawl's first request is about to leave."""
    if not _first:
        _first.append(time.time())


def tell() -> None:
    """Print the figures as one line of JSON.

    VmHWM, because ru_maxrss of a program counts what its parent had when it started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak = int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"first_request": _first[0] if _first else 0.0, "peak_mib": peak / 1024}), flush=True)
