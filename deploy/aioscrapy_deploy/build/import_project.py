"""Import the project in an unpacked egg and list its spiders. Run as a script, in a separate process.

Standard input is JSON with

    root          the folder of the egg's files
    module        of the settings
    path          the rest of sys.path
    needs_scrapy  the project is one of Scrapy alone
    required      normalised names of the distributions that the project requires
    result        the file for the answer

The answer is JSON with one of

    spiders       names of the spiders that can be imported, with `problems` and `warnings`
    error         a problem: the project can't be imported
    skipped       why nothing was imported

A problem has `text` (FILE:LINE: ERROR), `missing` (the top-level module that was not found, or null) and
`because` (what is missing on this machine, if that explains the error; "" for an error of the project).
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import socket
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from types import FrameType
from typing import Any

_DICTS = ("ITEM_PIPELINES", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS", "DOWNLOAD_HANDLERS")
_CLASSES = (
    "STATS_CLASS", "SCHEDULER_QUEUE_CLASS", "SCHEDULER_SERIALIZER", "DUPEFILTER_CLASS",
    "REQUEST_FINGERPRINTER_CLASS", "PROXY_HANDLER",
)  # fmt: skip
# what the loaders of Linux, Windows and macOS say of a missing library
_LIBRARY = "cannot open shared object file|DLL load failed|Library not loaded"
_NEVER_EXPLAINED = (SyntaxError, NameError)
_HAVE_DEFAULT = {Mapping.get.__code__, os.getenv.__code__}
_CHANGES = {MutableMapping.pop.__code__, MutableMapping.setdefault.__code__}


def main() -> None:
    """Answer the request on standard input, and end at once, also if the project started threads."""
    request = json.load(sys.stdin)
    check = _Check(os.path.join(request["root"], ""), set(request["required"]))  # noqa: PTH118 ends in a separator
    sys.path[:] = [request["root"], *request["path"]]
    try:
        answer = check.answer(request["module"], request["needs_scrapy"])
    except (Exception, SystemExit) as exc:  # noqa: BLE001 the project's code may raise anything
        answer = {"error": check.problem(exc)}
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


class _Check:
    """The imports of one project with its files in the folder `root`."""

    def __init__(self, root: str, required: set[str]) -> None:
        self._root = root
        self._required = required
        # (file of the project, variable that it read and that is not set)
        self._unset: list[tuple[str, str]] = []
        self._of_scrapy = False

    def answer(self, module: str, needs_scrapy: bool) -> dict[str, Any]:
        """Import settings, spiders and components; return the answer."""
        if needs_scrapy and importlib.util.find_spec("scrapy") is None:
            return {"skipped": "Scrapy can't be imported here"}
        try:
            if not needs_scrapy:
                importlib.import_module("aioscrapy.doors.scrapy").serve_scrapy()
            project_settings = importlib.import_module("aioscrapy.project").project_settings
            spider_loader = importlib.import_module("aioscrapy.spiderloader").SpiderLoader
            settings_class = importlib.import_module("aioscrapy.settings").Settings
        except ModuleNotFoundError as exc:
            return {"skipped": f"aioscrapy-scrapyd can't be imported here ({exc})"}
        os.environ["AIOSCRAPY_SETTINGS_MODULE"] = os.environ["SCRAPY_SETTINGS_MODULE"] = module
        self._watch_environment()
        importlib.import_module(module)
        settings = project_settings()
        self._of_scrapy = needs_scrapy
        if not needs_scrapy:
            settings.check()
        loader = spider_loader(settings)
        problems = [self._again(failure) for failure in loader.failures]
        problems += [
            {"text": f"the spider name {name!a} has a control character", "because": "", "missing": None}
            for name in loader.list()
            if not name.isprintable()  # Scrapyd reads one name a line
        ]
        problems += self._components(settings, settings_class())
        warnings = set(loader.warnings) - {str(failure) for failure in loader.failures}
        for name in loader.list():
            own = settings.copy()
            own.setdict(getattr(loader.load(name), "custom_settings", None) or {}, "spider")
            for problem in self._components(own, settings):
                warnings.add(f"jobs of spider {name} can't run: {problem['text']}")
        return {"spiders": loader.list(), "problems": problems, "warnings": sorted(warnings)}

    def problem(self, exc: BaseException, *, named: str = "") -> dict[str, Any]:
        """Return the text of an error, and its explanation."""
        causes = [exc]
        while inner := causes[-1].__cause__ or causes[-1].__context__:
            causes.append(inner)
        because = next(filter(None, map(self._explained, reversed(causes))), "")
        missing = next((cause.name for cause in causes if isinstance(cause, ModuleNotFoundError)), None)
        return {
            "text": self._one_line(causes) + named,
            "because": because,
            "missing": (missing or "").partition(".")[0] or None,
        }

    def _again(self, failure: Any) -> dict[str, Any]:
        """Import a spider module again, and return its problem."""
        try:
            importlib.import_module(failure.module)
        except (Exception, SystemExit) as exc:  # noqa: BLE001 as above
            problem = self.problem(exc)
        else:
            problem = {"because": "", "missing": None}
        return {
            **problem,
            "text": f"{failure.file.removeprefix(self._root)}: {failure.error}",
            "spider": True,
        }

    def _components(self, settings: Any, known: Any) -> Iterator[dict[str, Any]]:
        """Yield a problem for each component that can't be loaded; those of `known` are not looked at."""
        named = [(name, settings[name]) for name in _CLASSES if settings[name] != known[name]]
        named = [] if self._of_scrapy else named
        for name in _DICTS:
            known_orders = known.getdict(name)
            paths = settings.getdict(name)
            # a download handler is the value, every other component the key
            named += [
                (name, order if name == "DOWNLOAD_HANDLERS" else path)
                for path, order in paths.items()
                if order is not None and known_orders.get(path) != order
            ]
        for name, path in named:
            try:
                self._load(path, name)
            except (Exception, SystemExit) as exc:  # noqa: BLE001 as above
                in_project = exc.__cause__ is not None
                yield self.problem(exc.__cause__ or exc, named=f" ({name}: {path})" if in_project else "")

    def _load(self, path: Any, setting: str) -> None:
        """Load a component; Scrapy's classes have other methods than those that aioscrapy checks for."""
        if self._of_scrapy and isinstance(path, str):
            module, _, name = path.rpartition(".")
            getattr(importlib.import_module(module), name)
        elif not self._of_scrapy:
            importlib.import_module("aioscrapy.components").load_object(path, setting)

    def _explained(self, exc: BaseException) -> str:
        """Return what is missing on this machine, if it may be the reason of an error; else ""."""
        if isinstance(exc, _NEVER_EXPLAINED):
            return ""
        if isinstance(exc, ModuleNotFoundError):
            return self._not_installed((exc.name or "").partition(".")[0])
        if isinstance(exc, ImportError | OSError) and re.search(_LIBRARY, str(exc)):
            return "a library of the system is not installed here"
        if isinstance(exc, FileNotFoundError | PermissionError):
            name = os.fsdecode(exc.filename) if isinstance(exc.filename, str | bytes) else ""
            elsewhere = os.path.isabs(name) and not name.startswith(self._root)  # noqa: PTH117 of a str
            return f"{name} can't be read on this machine" if elsewhere else ""
        if isinstance(exc, ConnectionError | TimeoutError | socket.gaierror):
            return "what it connects to does not answer here"
        files = {frame.filename for frame in traceback.extract_tb(exc.__traceback__)}
        names = sorted({variable for file, variable in self._unset if file in files})
        if not names or isinstance(exc, ImportError):
            return ""
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not set in the environment here"

    def _not_installed(self, module: str) -> str:
        """Return which of the required distributions are not installed; the module may be of one of them."""
        if any(os.path.exists(f"{self._root}{module}{ending}") for ending in ("", ".py")):  # noqa: PTH110 of a str
            return ""
        lacking = []
        for name in sorted(self._required):
            try:
                importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                lacking.append(name)
        if not lacking:
            return ""
        return f"the project requires {', '.join(lacking[:3])}, not installed here"

    def _watch_environment(self) -> None:
        """Record the variables that the project reads without a default, and that are not set."""
        environ: Any = type(os.environ)
        read = environ.__getitem__

        def read_and_note(variables: Any, name: str) -> Any:
            try:
                return read(variables, name)
            except KeyError:
                if file := self._reader(sys._getframe(1)):
                    self._unset.append((file, str(name)))
                raise

        environ.__getitem__ = read_and_note

    def _reader(self, frame: FrameType | None) -> str | None:
        """Return the project's file that reads a variable, also through a library; None for an import."""
        while frame is not None:
            code = frame.f_code
            if code in _CHANGES or (code in _HAVE_DEFAULT and frame.f_locals.get("default") is not None):
                return None
            if code.co_filename.startswith(self._root):
                return code.co_filename
            if "importlib._bootstrap" in code.co_filename:
                return None
            frame = frame.f_back
        return None

    def _one_line(self, causes: list[BaseException]) -> str:
        """Return file (below the root), line and error of the innermost cause with a place in the project."""
        for cause in reversed(causes):
            if place := self._place(cause):
                return f"{place}: {type(cause).__name__}: {_text(cause)}"
        return f"{type(causes[0]).__name__}: {_text(causes[0])}"

    def _place(self, exc: BaseException) -> str:
        if isinstance(exc, SyntaxError) and exc.filename and exc.filename.startswith(self._root):
            return f"{exc.filename.removeprefix(self._root)}:{exc.lineno}"
        frames = traceback.extract_tb(exc.__traceback__)
        inside = [frame for frame in frames if frame.filename.startswith(self._root)]
        return f"{inside[-1].filename.removeprefix(self._root)}:{inside[-1].lineno}" if inside else ""


def _text(exc: BaseException) -> str:
    """Return what an exception says, in one line; its own code may raise, too."""
    try:
        text = exc.msg if isinstance(exc, SyntaxError) else str(exc)
    except Exception as inner:  # noqa: BLE001 as above
        text = f"without a text: {type(inner).__name__}"
    return " ".join(text.split())


if __name__ == "__main__":
    main()
