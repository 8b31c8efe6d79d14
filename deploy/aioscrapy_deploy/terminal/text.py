"""Text that is safe to print: without passwords and without control characters."""

import re

# all of Unicode's control characters but tab and line feed, and those that turn the direction of text
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


# the login of a url in a text; aioscrapy.ends has the same for the log, without importing the deploy tooling;
# PASSWORD is not one: messages say where it belongs
_password = re.compile(r"""(://[^\s/?#@:'"<>]*:)(?!PASSWORD@)[^\s/?#"<>]+@""").sub


def without_passwords(text: str) -> str:
    """Return a text without the passwords of the urls in it."""
    return _password(r"\1***@", text)


def redacted(url: str) -> str:
    """Return a url, right or wrong, without the login that stands before its last @."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://{url.rpartition('@')[2]}" if separator and "@" in url else url.rpartition("@")[2]


def printable(text: str) -> str:
    r"""Return text with its control characters written as \x1b, so that a terminal does not obey them."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped(json: str) -> str:
    r"""Return the text of JSON with its control characters written as \u001b, so that it means the same."""
    return _CONTROL.sub(lambda match: "".join(f"\\u{unit:04x}" for unit in _utf_16(match[0])), json)


def one_line(text: str) -> str:
    """Return text as one printable line."""
    return printable(" ".join(text.split()))


def _utf_16(character: str) -> list[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]
