"""Objects in colours, on a terminal."""

import os
import sys
from pprint import pformat as pformat_plain
from typing import Any


def pformat(obj: Any, *args: Any, **kwargs: Any) -> str:
    """Return an object as text, in colours if standard output is a terminal and pygments is there."""
    text = pformat_plain(obj)
    if not kwargs.pop("colorize", True) or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return text
    try:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return text
    return str(highlight(text, PythonLexer(), TerminalFormatter()))


def pprint(obj: Any, *args: Any, **kwargs: Any) -> None:
    """Print an object."""
    print(pformat(obj, *args, **kwargs))  # noqa: T201 that is its job
