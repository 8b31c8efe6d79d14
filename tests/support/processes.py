"""The processes of a session, as /proc shows them."""

import os
import select
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """What everybody on the machine may see of a process, and what its own user may."""

    pid: int
    command: str
    environment: str


def family(session: int) -> list[Process]:
    """Return the processes of a session, itself first: what `ps` shows."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and os.getsid(int(folder.name)) == session:
                texts = ((folder / name).read_bytes().decode() for name in ("cmdline", "environ"))
                found.append(Process(int(folder.name), *texts))
        except OSError:  # it has ended
            continue
    return sorted(found)


def watch(pid: int) -> int:
    """Return a file descriptor that becomes readable when the process has ended."""
    return os.pidfd_open(pid)


def has_ended(watched: int, timeout_s: float = 10) -> bool:
    """Wait up to `timeout_s` seconds for the end of a process that is watched; closes the descriptor."""
    ready, _, _ = select.select([watched], [], [], timeout_s)
    os.close(watched)
    return bool(ready)
