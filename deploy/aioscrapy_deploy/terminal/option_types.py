"""Options that several commands have, and types of options for argparse with readable errors."""

import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable


def add_watch_option(parser: ArgumentParser) -> None:
    """Declare --watch."""
    parser.add_argument(
        "-w",
        "--watch",
        type=pause,
        nargs="?",
        const=2.0,
        metavar="SECONDS",
        help="repeat the list every SECONDS (default: 2) until Ctrl-C; with --json one line per repetition",
    )


def add_spider_arguments(parser: ArgumentParser) -> None:
    """Declare -a, the arguments of a spider."""
    parser.add_argument(
        "-a",
        action="append",
        default=[],
        type=name_value_of("-a"),
        metavar="NAME=VALUE",
        dest="arguments",
        help="spider argument",
    )


def not_empty(text: str) -> str:
    """Return a text that is not empty: an empty variable of a script must not select another action."""
    if not text.strip():
        raise ArgumentTypeError("the value is empty")
    return text


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    number = _whole(text)
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def port(text: str) -> int:
    """Return the number of a TCP port."""
    number = _whole(text)
    if not 1 <= number <= 65535:
        raise ArgumentTypeError(f"{text!r} is not a TCP port (1 to 65535)")
    return number


def finite(text: str) -> float:
    """Return a finite number; it may be negative."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentTypeError(f"{text!r} is not a number")
    return number


def seconds(text: str) -> float:
    """Return a number of seconds from 0 to 86400, a day: not every system can sleep longer."""
    number = finite(text)
    if not 0 <= number <= 86400:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 86400, a day")
    return number


def pause(text: str) -> float:
    """Return a number of seconds as `seconds` does, but not 0."""
    if number := seconds(text):
        return number
    raise ArgumentTypeError("a pause of 0 seconds is not possible")


def name_value(text: str) -> tuple[str, str]:
    """Split NAME=VALUE at the first equals sign; the value may be empty or hold more of them."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def name_value_of(option: str) -> Callable[[str], tuple[str, str]]:
    """Return a type as `name_value`, whose error is that of Scrapy's commands."""

    def pair(text: str) -> tuple[str, str]:
        try:
            return name_value(text)
        except ArgumentTypeError as exc:
            raise ArgumentTypeError(f"Invalid {option} value, use {option} NAME=VALUE: {exc}") from None

    return pair


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
