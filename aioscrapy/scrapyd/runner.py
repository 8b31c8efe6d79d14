"""The module that Scrapyd starts: `runner = aioscrapy.scrapyd.runner`."""

import os
import sys

if __name__ == "__main__":
    # `python -m` puts the daemon's folder first, where a folder of the project's name would hide the egg.
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 pathlib may lie in that folder
        del sys.path[0]
    from aioscrapy_scrapyd.runner import main

    sys.exit(main())
