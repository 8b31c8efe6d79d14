"""Numbers that a person types as options; what is none is wrong usage, said in words."""

import math
from argparse import ArgumentTypeError


def count(text: str) -> int:
    """Return a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return number


def finite(text: str) -> float:
    """Return a number, which may be negative but has an end."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentTypeError(f"{text!r} is no number")
    return number


def seconds(text: str) -> float:
    """Return a number of seconds from 0 on, at most those of a day: more can't be slept everywhere."""
    number = finite(text)
    if not 0 <= number <= 86400:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400, a day")
    return number


def pause(text: str) -> float:
    """Return a number of seconds as `seconds`, but not 0."""
    if number := seconds(text):
        return number
    raise ArgumentTypeError("0 seconds are no pause")
