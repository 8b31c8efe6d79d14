"""The entry points of an egg, which name the settings module for a runner."""

import re
from collections.abc import Mapping
from configparser import ConfigParser, Error

from aioscrapy_deploy.errors import BuildError

ENTRY_POINTS = "EGG-INFO/entry_points.txt"
_GROUPS = ("aioscrapy", "scrapy")  # our runner reads both, ours first; Scrapyd's own runner reads the second


def settings_module(entry_points: bytes) -> str | None:
    """Return the settings module in the text of an entry_points.txt; None if it has none.

    The group `aioscrapy` is used before `scrapy`; the name is `settings` in both.

    Raises:
        BuildError: the text can't be parsed.
    """
    groups = _parse(entry_points)
    for group in _GROUPS:
        value = groups.get(group, "settings", fallback="")
        if module := re.split(r"[:\[\s]", value.strip(), maxsplit=1)[0]:
            return module
    return None


def with_entry_points(files: Mapping[str, bytes], module: str, *, replace: bool = False) -> dict[str, bytes]:
    """Add both groups, so that either runner runs the egg; without `replace` a group's own settings stay.

    Raises:
        BuildError: the egg's own entry_points.txt can't be parsed.
    """
    groups = _parse(files.get(ENTRY_POINTS, b""))
    for group in _GROUPS:
        if not groups.has_section(group):
            groups.add_section(group)
        if replace or not groups.has_option(group, "settings"):
            groups.set(group, "settings", module)
    lines: list[str] = []
    for group in sorted(groups.sections()):
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in sorted(groups.items(group))), ""]
    return {**files, ENTRY_POINTS: "\n".join(lines).encode()}


def _parse(text: bytes) -> ConfigParser:
    groups = ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    groups.optionxform = str  # type: ignore[method-assign,assignment]  # names of entry points have case
    try:
        groups.read_string(text.decode("utf-8-sig"))
    except (Error, UnicodeDecodeError) as exc:
        raise BuildError(f"the egg's entry_points.txt can't be read: {str(exc).splitlines()[0]}") from exc
    return groups
