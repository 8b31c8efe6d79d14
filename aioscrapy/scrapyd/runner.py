"""The module that Scrapyd starts for a job or a listing: `runner = aioscrapy.scrapyd.runner`."""

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run `list`, `crawl SPIDER` or another command of the project SCRAPY_PROJECT; returns the exit status.

    `argv` has no program name; None takes it from `sys.argv`.
    """
    from aioscrapy_scrapyd.job.runner import main as run

    return run(argv)


if __name__ == "__main__":
    # `python -m` puts the daemon's folder first, where a folder of the project's name would hide the egg.
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 pathlib may lie in that folder
        del sys.path[0]
    from aioscrapy_scrapyd.job.process import run_process

    run_process()
