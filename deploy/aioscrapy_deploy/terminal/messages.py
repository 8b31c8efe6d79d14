"""Lines for a person on standard error."""

import sys

from aioscrapy_deploy.terminal.table import coloured, paint
from aioscrapy_deploy.terminal.text import printable, without_passwords


def report(line: str, *, program: str = "") -> None:
    """Write a line, with `program: ` before it if one is named; a failure is red, a warning yellow.

    The text may have come from a server or a project: its control characters are written as escapes, and
    passwords of urls are left out.
    """
    failed = line.startswith(("Error:", "Deploy failed", "Unknown target"))
    colour = "red" if failed else "yellow" if line.startswith("Warning:") else ""
    text = printable(without_passwords(f"{program}: {line}" if program else line))
    print(paint(text, colour if coloured(sys.stderr) else ""), file=sys.stderr, flush=True)
