"""List the spiders of an unpacked egg. Run as a script, in a process of its own: it imports the project.

Standard input: JSON with `root` (the folder), `module` (of the settings), `path` (the rest of sys.path),
`needs_scrapy` (the project is one of Scrapy alone) and `result` (the file for the answer).
The answer is JSON with one of

    spiders     names; with `failures`, a line FILE:LINE: ERROR for each spider module that can't be
                imported, and `warnings`, lines about the rest
    error       one line FILE:LINE: ERROR, the project can't be imported
    skipped     why nothing was listed
"""

import importlib
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer the request on standard input, and end at once whatever threads the project has started."""
    asked = json.load(sys.stdin)
    root = os.path.join(asked["root"], "")  # noqa: PTH118 ends in a separator
    sys.path[:] = [asked["root"], *asked["path"]]
    try:
        answer = _list(asked["module"], root, asked["needs_scrapy"])
    except (Exception, SystemExit) as exc:  # noqa: BLE001 the project's code may raise anything
        answer = {"error": _one_line(exc, root)}
    Path(asked["result"]).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


def _list(module: str, root: str, needs_scrapy: bool) -> dict[str, Any]:
    if needs_scrapy and importlib.util.find_spec("scrapy") is None:
        return {"skipped": "Scrapy can't be imported here"}
    try:
        project_settings = importlib.import_module("aioscrapy.project").project_settings
        spider_loader = importlib.import_module("aioscrapy.spiderloader").SpiderLoader
    except ModuleNotFoundError as exc:
        return {"skipped": f"aioscrapy-scrapyd can't be imported here ({exc})"}
    os.environ["AIOSCRAPY_SETTINGS_MODULE"] = os.environ["SCRAPY_SETTINGS_MODULE"] = module
    importlib.import_module(module)
    loader = spider_loader(project_settings())
    failures = [f"{file.removeprefix(root)}: {text}" for _, file, text in loader.failures]
    others = set(loader.warnings) - {str(failure) for failure in loader.failures}
    return {"spiders": loader.list(), "failures": failures, "warnings": sorted(others)}


def _one_line(exc: BaseException, root: str) -> str:
    """Say file (below `root`), line and error, of the innermost cause that has a place in the project."""
    causes = [exc]
    while inner := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(inner)
    for cause in reversed(causes):
        if place := _place(cause, root):
            text = cause.msg if isinstance(cause, SyntaxError) else str(cause)
            return f"{place}: {type(cause).__name__}: {' '.join(text.split())}"
    return f"{type(exc).__name__}: {' '.join(str(exc).split())}"


def _place(exc: BaseException, root: str) -> str:
    if isinstance(exc, SyntaxError) and exc.filename and exc.filename.startswith(root):
        return f"{exc.filename.removeprefix(root)}:{exc.lineno}"
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename.startswith(root)]
    return f"{frames[-1].filename.removeprefix(root)}:{frames[-1].lineno}" if frames else ""


if __name__ == "__main__":
    main()
