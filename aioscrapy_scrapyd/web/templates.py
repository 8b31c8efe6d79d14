"""The templates of the pages, and how they write numbers, times and sizes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aioscrapy_scrapyd.state.job import State
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.assets import Assets
from aioscrapy_scrapyd.web.language import NAMES
from aioscrapy_scrapyd.web.screen import Screen, Visit, address
from aioscrapy_scrapyd.web.visible import coded

FOLDER = Path(__file__).with_name("templates")
# What a page shows where there is no value.
NOTHING = "\N{EN DASH}"
# State -> its sign: a colour alone says nothing to many people.
SIGNS = {
    State.PENDING: "○",
    State.STARTING: "◔",
    State.RUNNING: "●",
    State.STOPPING: "◐",
    State.FINISHED: "✓",
    State.FAILED: "✗",
    State.CANCELLED: "■",
}


class Templates:
    """All templates. Values are escaped, acting characters coded, and unknown names are errors.

    Args:
        assets: the static files.
        folders: of files that Scrapyd serves, for the footer.
    """

    def __init__(self, assets: Assets, folders: Sequence[str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            finalize=coded,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "number": number,
            "decimal": decimal,
            "duration": duration,
            "time": moment,
            "brief": brief,
            "size": size,
            "spark": spark,
        }
        self._environment.globals |= {
            "static": assets.address,
            "languages": NAMES,
            "signs": SIGNS,
            "nothing": NOTHING,
            "folders": folders,
            "now": time.time,
        }

    def compile(self) -> None:
        """Read and compile all templates."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(self, template: str, visit: Visit, screen: Screen | None, data: dict[str, Any]) -> str:
        """Return the page as HTML."""

        def url(path: str, names: dict[str, str] | None = None, **query: Any) -> str:
            return visit.prefix + address(path, names, **query)

        def here(**changes: Any) -> str:
            return visit.prefix + address(visit.path, None, **{**visit.query, **changes})

        def may(role: str) -> bool:
            return visit.may(Role[role.upper()])

        frame = {"_": visit.language, "url": url, "here": here, "may": may, "visit": visit, "screen": screen}
        return self._environment.get_template(template).render(data, **frame)


def spark(values: Sequence[float]) -> str:
    """Return the points of a line through the values, in a box of 100 times 24."""
    top = max([*values, 1])
    step = 100 / max(1, len(values) - 1)
    return " ".join(f"{at * step:.1f},{23 - 22 * value / top:.1f}" for at, value in enumerate(values))


def number(value: float | None) -> str:
    """Return a whole number with its thousands apart."""
    return NOTHING if value is None else f"{value:,.0f}"


def decimal(value: float | None) -> str:
    """Return a number with one digit behind the point where it is small."""
    if value is None:
        return NOTHING
    return f"{value:,.1f}" if 0 < abs(value) < 10 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Return a time span: 00:14:12, 2 d 03:00:05."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def moment(seconds: float | None) -> str:
    """Return a time of this machine's clock: 2026-11-25 18:30:12."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else NOTHING


def brief(seconds: float | None) -> str:
    """Return a time without what everybody knows: 18:30:12 for one of today, else 11-24 18:30."""
    if not seconds:
        return NOTHING
    then, today = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%m-%d %H:%M", then)


def size(count: float | None) -> str:
    """Return a number of bytes: 12.3 MB."""
    if count is None:
        return NOTHING
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:,.1f} {unit}"
