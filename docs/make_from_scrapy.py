"""Fill the tables of docs/from-scrapy.md from the data of the doors: python docs/make_from_scrapy.py."""

from pathlib import Path

from aioscrapy.doors.absent import ABSENT
from aioscrapy.doors.differs import DIFFERS
from aioscrapy.doors.paths import MODULES, NAMES, public_name
from aioscrapy.foreign_settings import INSTEAD

TARGET = Path(__file__).with_name("from-scrapy.md")
_START = "<!-- made by docs/make_from_scrapy.py -->\n"


def tables() -> str:
    """Return the tables as Markdown: what differs, what is absent, settings without a reader, paths."""
    paths = {path: f"`aioscrapy.{module}`" for path, module in MODULES.items()}
    paths |= {
        path: ", ".join(
            f"`aioscrapy.{module}` ({names.replace(' ', ', ')})" for module, names in homes.items()
        )
        for path, homes in NAMES.items()
    }
    return "\n".join(
        [
            "## What differs\n",
            *_table("in Scrapy", "here", {f"`scrapy.{name}`": text for name, text in DIFFERS.items()}),
            "## What is absent\n",
            *_table(
                "in Scrapy", "instead", {f"`{public_name(name)}`": text for name, text in ABSENT.items()}
            ),
            "## Settings that nothing reads\n",
            "Of Scrapy, scrapy-redis and aio-scrapy. A crawl warns of those that a project sets.\n",
            *_table("setting", "instead", INSTEAD),
            "## Paths that lead to another file\n",
            "Every other path of Scrapy is the same below `aioscrapy`.\n",
            *_table("in Scrapy", "here", {f"`{public_name(path)}`": place for path, place in paths.items()}),
        ]
    )


def page(text: str) -> str:
    """Return the text of the page with new tables."""
    head = text.partition(_START)[0]
    return f"{head}{_START}\n{tables()}"


def _table(left: str, right: str, rows: dict[str, str]) -> list[str]:
    lines = [f"| {name} | {text.replace('|', chr(92) + '|')} |" for name, text in sorted(rows.items())]
    return [f"| {left} | {right} |", "|---|---|", *lines, ""]


if __name__ == "__main__":
    TARGET.write_text(page(TARGET.read_text("utf-8")), "utf-8")
