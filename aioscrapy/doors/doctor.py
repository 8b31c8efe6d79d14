"""Read a project without running it, and list what it uses that is missing here or differs."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from aioscrapy.doors.differs import DIFFERS
from aioscrapy.doors.finder import ROOT
from aioscrapy.doors.paths import absence, public_name
from aioscrapy.foreign_settings import INSTEAD, WITHOUT_EFFECT

_ROOTS = ("scrapy", ROOT)
_REDIS = ("scrapy_redis", "aioscrapy_redis")
_SKIPPED = {".git", ".scrapy", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "venv"}
# What crawler.engine has here.
_ENGINE = (
    *(
        "close_spider",
        "close_spider_async",
        "crawl",
        "download",
        "download_async",
        "downloader",
        "pause",
        "paused",
    ),
    *("running", "spider", "spider_is_idle", "stop", "stop_async", "unpause"),
)
_DOWNLOADER = ("get_slot_key", "middleware", "slots", "_get_slot", "_get_slot_key")


class Finding(NamedTuple):
    """One use of a name that is missing or differs.

    Attributes:
        file: path below the folder of the project.
        line: its number.
        missing: True if it does not exist here, False if it differs.
        text: the name, and what to do.
    """

    file: str
    line: int
    missing: bool
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'missing' if self.missing else 'differs'}: {self.text}"


def examine(folder: Path) -> list[Finding]:
    """Return the findings in all Python files of a project, in the order of files and lines."""
    findings = [finding for path in _files(folder) for finding in _examine_file(path, folder)]
    return sorted(set(findings))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        inside_venv = any(
            (folder.joinpath(*parts[:end]) / "pyvenv.cfg").exists() for end in range(1, len(parts))
        )
        if _SKIPPED.isdisjoint(parts) and not inside_venv:
            yield path


def _examine_file(path: Path, folder: Path) -> Iterator[Finding]:
    name = str(path.relative_to(folder))
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as exc:
        yield Finding(name, getattr(exc, "lineno", None) or 1, True, f"the file is not Python 3: {exc}")
        return
    aliases = _imported(tree)
    for node in ast.walk(tree):
        for line, missing, text in _uses(node, aliases):
            yield Finding(name, line, missing, text)


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return name in the file -> path of Scrapy, for every import of Scrapy or of us."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in _ROOTS:
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    aliases[alias.asname or target] = target
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _ROOTS:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return aliases


Use = tuple[int, bool, str]
"""Line, missing, text."""


def _uses(node: ast.AST, aliases: dict[str, str]) -> Iterator[Use]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _import(node)
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node, aliases)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                yield from _setting(target.id, node.value, node.lineno)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from _key(key.value, value, key.lineno)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _setting_call(node, node.func)


def _import(node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _path(alias.name, node.lineno)
    elif not node.level:
        for alias in node.names:
            yield from _path(f"{node.module}.{alias.name}", node.lineno)


def _attribute(node: ast.Attribute, aliases: dict[str, str]) -> Iterator[Use]:
    dotted = ast.unparse(node)
    owner = dotted.rpartition(".")[0]
    if owner.endswith("crawler.engine"):
        if node.attr not in _ENGINE:
            yield node.lineno, True, f"crawler.engine.{node.attr}: the engine has {', '.join(_ENGINE)}"
        return
    if owner.endswith("crawler.engine.downloader"):
        if node.attr not in _DOWNLOADER:
            text = f"crawler.engine.downloader.{node.attr}: it has {', '.join(_DOWNLOADER[:3])}"
            yield node.lineno, True, text
        return
    first, _, rest = dotted.partition(".")
    if first in aliases and rest.replace(".", "").isidentifier():
        yield from _path(f"{aliases[first]}.{rest}", node.lineno)


def _setting_call(node: ast.Call, method: ast.Attribute) -> Iterator[Use]:
    """Look at `settings.set("NAME", value)`."""
    if method.attr not in ("set", "setdefault") or not ast.unparse(method.value).endswith("settings"):
        return
    match node.args:
        case [ast.Constant(value=str(name)), value, *_] if name.isupper():
            yield from _setting(name, value, node.lineno)


def _key(key: str, value: ast.expr, line: int) -> Iterator[Use]:
    """Look at a key of a dict: a setting of `custom_settings`, or the path of a component."""
    if key.isupper():
        yield from _setting(key, value, line)
    elif key.startswith("scrapy.") and not _is_none(value):
        yield from _path(key, line)


def _setting(name: str, value: ast.expr, line: int) -> Iterator[Use]:
    if name not in INSTEAD:
        return
    try:
        if ast.literal_eval(value) in WITHOUT_EFFECT.get(name, ()):
            return
    except (ValueError, TypeError):
        pass  # not a constant
    yield line, True, f"setting {name}: {INSTEAD[name]}"


def _path(path: str, line: int) -> Iterator[Use]:
    """Look at a dotted path of Scrapy; a path of ours is looked at only for names that we do not have."""
    root, _, rest = path.partition(".")
    if root in _REDIS:
        rest = f"scrapy_redis.{rest}".rstrip(".")
    elif root not in _ROOTS or not rest:
        return
    rest = rest.removesuffix(".*")
    if not _exists(rest):
        yield line, True, absence(rest) or f"{public_name(rest)} isn't here"
    elif differing := next((part for part in _prefixes(rest) if part in DIFFERS), ""):
        yield line, False, f"scrapy.{differing}: {DIFFERS[differing]}"


def _prefixes(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]


def _exists(path: str) -> bool:
    """Return True if a path below the root is one of our modules, or a name in one."""
    parts = path.split(".")
    value: Any = importlib.import_module(ROOT)
    for position, part in enumerate(parts):
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module(".".join([ROOT, *parts[: position + 1]]))
            except ImportError:
                return not isinstance(value, type(ast))  # an attribute of a class or an object: not looked at
    return True


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
