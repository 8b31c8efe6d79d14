"""Make docs/settings.md from the files that declare the settings: python docs/make_settings.py."""

import ast
from pathlib import Path

from aioscrapy.settings import setting_type

SOURCES = [
    Path(__file__).parents[1] / "aioscrapy" / name
    for name in ("default_settings.py", "default_output_settings.py")
]
TARGET = Path(__file__).with_name("settings.md")
LONGEST_DEFAULT = 70  # characters that a default may take in the table

_HEAD = """# Settings

This page is made from `aioscrapy/default_settings.py` and, for what a crawl keeps and writes,
`aioscrapy/default_output_settings.py`, where each setting has its default, type and meaning.

A setting can be set in these places; a later place overrides an earlier one:

1. the settings module of the project
2. `custom_settings` of a spider
3. the command line: `-s NAME=VALUE`, or `setting=NAME=VALUE` of Scrapyd's schedule.json

On a command line a list is `a,b` or JSON, a dict is JSON, and true or false is one of `1`, `true`, `yes`,
`on`, `0`, `false`, `no`, `off`. An empty value, as in `-s FEED_EXPORT_INDENT=`, is None for a setting
that can be None.

All settings are checked before a crawl begins. A wrong value ends the command with exit status 1 and one
line, such as `setting CONCURRENT_REQUESTS: -1 is not a whole number from 1 to 100000`. None for a text, a
number or a truth value that can't be None leaves its default, as for `os.environ.get("NAME")`; for the
switches, limits and lists of Scrapy, such as RETRY_ENABLED, URLLENGTH_LIMIT and RETRY_HTTP_CODES, it means
false, 0 and an empty list, as there.

A setting that nothing reads is named in one warning at the start of a crawl: a name that is close to a known
one, with that name; a setting of Scrapy, scrapy-redis or aio-scrapy, with what to use instead. Your own
settings, which the code of your project reads, are not named.
"""


def settings(text: str) -> list[tuple[str, str, str, str, str]]:
    """Return (section, name, type, default, meaning) of every setting, in the order of the file.

    A meaning is the comment lines directly above a setting; a section is the latest line `# -- Section`.
    """
    lines = text.splitlines()
    rows = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            name = ast.unparse(node.target)
            declared = setting_type(name)
            rows.append(
                (
                    _section(lines[: node.lineno]),
                    name,
                    declared.allowed if declared is not None else "",
                    _default(node.value),
                    _meaning(lines[: node.lineno - 1]),
                )
            )
    return rows


def _section(lines: list[str]) -> str:
    return next(line.removeprefix("# -- ") for line in reversed(lines) if line.startswith("# -- "))


def _meaning(lines: list[str]) -> str:
    above: list[str] = []
    while lines and lines[-1].startswith("# ") and not lines[-1].startswith("# -- "):
        above.insert(0, lines.pop().removeprefix("# "))
    return " ".join(above)


def _default(value: ast.expr) -> str:
    text = ast.unparse(value)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else "see `aioscrapy/default_settings.py`"


def page(*texts: str) -> str:
    """Return the whole page, from the texts of the files."""
    parts, section = [_HEAD], None
    for group, *row in (row for text in texts for row in settings(text)):
        if group != section:
            section = group
            parts.append(f"\n## {group}\n\n| setting | type | default | meaning |\n|---|---|---|---|\n")
        name, declared, default, meaning = (cell.replace("|", "\\|").replace("<", "&lt;") for cell in row)
        parts.append(f"| `{name}` | {declared} | {default} | {meaning} |\n")
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(*(source.read_text("utf-8") for source in SOURCES)), "utf-8")
