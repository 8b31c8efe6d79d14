"""Text that is safe to print: without passwords and without control characters."""

import re

# all of Unicode's control characters but tab and line feed, and those that turn the direction of text
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def redacted(url: str) -> str:
    """Return a url, right or wrong, without the login that stands before its last @."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://{url.rpartition('@')[2]}" if separator and "@" in url else url.rpartition("@")[2]


def printable(text: str) -> str:
    r"""Return text with its control characters written as \x1b, so that a terminal does not obey them."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Return text as one printable line."""
    return printable(" ".join(text.split()))
