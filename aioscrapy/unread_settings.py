"""Find settings that nothing reads: misspelled names, and settings of Scrapy or aio-scrapy."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from aioscrapy.setting_types import FALSE
from aioscrapy.settings import Settings, setting_type

_SHORT = 8  # names with fewer characters are near only if one character is missing or too much


def unread_settings(settings: Settings, spider_class: type) -> str:
    """Return the settings that nothing reads, in one line, with what to use instead; "" if there are none.

    A project may have its own settings. So a name counts only if it is near a known one, or a setting of
    Scrapy, scrapy-redis or aio-scrapy, and if the source of the spider's package does not read it.
    """
    advice = {name: text for name in settings if (text := _advice(name, settings))}
    if advice:
        advice = {name: text for name, text in advice.items() if name not in _read(advice, spider_class)}
    return "; ".join(f"{name} ({text})" for name, text in sorted(advice.items()))


def _advice(name: str, settings: Settings) -> str:
    """Return what to do about a name that we don't read; "" for a name that we read or don't know."""
    if setting_type(name) is not None:
        return ""
    from aioscrapy.foreign_settings import INSTEAD, WITHOUT_EFFECT

    if name in INSTEAD:
        value = settings[name]
        if isinstance(value, str) and value.lower() in FALSE:
            value = False
        return "" if value is None or value in WITHOUT_EFFECT.get(name, ()) else INSTEAD[name]
    near = next((ours for ours in settings if setting_type(ours) and _is_near(name, ours)), "")
    return f"did you mean {near}?" if near else ""


def _is_near(name: str, ours: str) -> bool:
    """Return True if both names are the same but for case, underscores, a plural or one short part."""
    if abs(len(name) - len(ours)) > 3:
        return False
    one, other = (text.upper().replace("_", "").removesuffix("S") for text in (name, ours))
    shorter = min(len(one), len(other))
    start = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    end = next((i for i in range(shorter - start) if one[-1 - i] != other[-1 - i]), shorter - start)
    rest, other_rest = len(one) - start - end, len(other) - start - end
    if shorter < _SHORT:
        return rest + other_rest <= 1
    return rest <= 2 and other_rest <= 2


def _read(names: Iterable[str], spider_class: type) -> set[str]:
    """Return the names that the source of the spider's package reads, not only sets or mentions."""
    some = "|".join(re.escape(name) for name in names)
    no_use = re.compile(rf"#.*|^[ \t]*(?:{some})\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
    use = re.compile(
        rf"""(?:get\w*\(|\[)\s*["'](?P<quoted>{some})["'](?!\s*\]\s*=[^=])"""
        rf"""|(?<![\w"'])(?P<plain>{some})(?![\w"'])(?!\s*=(?!=))"""
    )
    return {
        match["quoted"] or match["plain"]
        for path in _sources(spider_class)
        for match in use.finditer(no_use.sub("", path.read_text("utf-8", "replace")))
    }


def _sources(spider_class: type) -> Iterator[Path]:
    package = sys.modules.get(spider_class.__module__.partition(".")[0])
    for folder in getattr(package, "__path__", ()):
        yield from Path(folder).rglob("*.py")
    file = getattr(package, "__file__", None)
    if file and not hasattr(package, "__path__") and Path(file).is_file():
        yield Path(file)
