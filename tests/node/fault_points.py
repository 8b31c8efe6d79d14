"""A node that is killed at a named point, or whose clock is set: `application` of a test's scrapyd.conf.

    NODE_KILL=after_claim       SIGKILL of the daemon when the claim of a job is on the disk
    NODE_KILL=after_spawn       … when its process runs and its pid is not written yet
    NODE_KILL=after_end         … when its process has ended and its end is not written yet
    NODE_CLOCK=FILE             the daemon's clock is off by the seconds in the file

The daemon kills itself once: the file NODE_KILLED exists from then on.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any


def application(config: Any) -> Any:
    """Return the application of a node with the fault that the environment names."""
    from aioscrapy_scrapyd import app, node

    point = os.environ.get("NODE_KILL")
    killed = Path(os.environ.get("NODE_KILLED", ""))

    def reach(name: str) -> None:
        if name == point and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    if point:
        _reach_in(node.Node, "_start", reach, "after_claim")
        _reach_in(node.Node, "_watch", reach, "after_spawn")
        _reach_in(node.Node, "_end_or_retry", reach, "after_end")
    if file := os.environ.get("NODE_CLOCK"):
        real = time.time
        time.time = lambda: real() + float(Path(file).read_text())
    return app.application(config)


def _reach_in(owner: type, name: str, reach: Any, point: str) -> None:
    original = getattr(owner, name)

    def wrapper(*arguments: Any) -> Any:
        reach(point)
        return original(*arguments)

    setattr(owner, name, wrapper)
