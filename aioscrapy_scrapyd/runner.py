"""A door: the runner under its first name."""

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command line of Scrapyd; returns the exit status."""
    from aioscrapy_scrapyd.job.runner import main as run

    return run(argv)


if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 pathlib may lie in that folder
        del sys.path[0]  # the daemon's folder, as in aioscrapy/scrapyd/runner.py
    from aioscrapy_scrapyd.job.process import run_process

    run_process()
