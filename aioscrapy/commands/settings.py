"""Print one setting, or all settings that differ from the defaults."""

import argparse
import json
from typing import Any

from aioscrapy.settings import PRIORITIES, BaseSettings, Settings

CHECK = False  # a wrong setting must be visible, too


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--get", metavar="NAME", help="print one setting")
    one.add_argument("--getbool", metavar="NAME", help="print it as True or False")
    one.add_argument("--getint", metavar="NAME", help="print it as a whole number")
    one.add_argument("--getfloat", metavar="NAME", help="print it as a number")
    one.add_argument("--getlist", metavar="NAME", help="print it as a list")


def run(options: argparse.Namespace) -> int:
    """Print one or all; an unknown setting is None."""
    settings: Settings = options.settings
    readers: dict[str, Any] = {
        "get": settings.get,
        "getbool": settings.getbool,
        "getint": settings.getint,
        "getfloat": settings.getfloat,
        "getlist": settings.getlist,
    }
    for option, read in readers.items():
        name = getattr(options, option)
        if name is not None:
            value = read(name)
            if isinstance(value, BaseSettings):
                value = json.dumps(_with_texts(value.copy_to_dict()), default=str)
            print(value)
            return 0
    for name, value in sorted(settings.copy_to_dict().items()):
        if (settings.getpriority(name) or 0) > PRIORITIES["default"]:
            print(f"{name} = {value!r}")
    return 0


def _with_texts(value: Any) -> Any:
    """Return a value with dicts whose keys are texts, for JSON."""
    return {str(key): _with_texts(part) for key, part in value.items()} if isinstance(value, dict) else value
