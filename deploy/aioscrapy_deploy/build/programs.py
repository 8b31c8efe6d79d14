"""Run a Python program of the project, whatever processes it leaves behind."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def run_python(
    arguments: Sequence[str],
    folder: Path,
    *,
    stdin: bytes = b"",
    timeout_s: float | None = None,
    verbose: bool = False,
) -> tuple[int, str]:
    """Run this Python in a folder; return its exit status and what it printed.

    With `verbose` it prints to our standard error.

    The output goes to a file. A pipe would end only with the last process that the program has started,
    such as a browser or a tunnel of a settings module.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time, and is killed.
    """
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603 our own script, the project's setup.py or backend, and pip
            [sys.executable, *arguments],
            cwd=folder,
            input=stdin,
            stdout=2 if verbose else output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=timeout_s,
        )
        output.seek(0)
        return done.returncode, output.read().decode(errors="replace")
