"""Text that comes from eggs and errors, in a form that a log, a terminal and an HTTP answer can show."""

_LINE_LIMIT = 2000  # characters


def printable(text: str) -> str:
    """Return the text with its control characters as escapes such as \\x1b; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t\xa0" else _escaped(char) for char in text)


def one_line(value: object) -> str:
    """Return the text of an error (or of anything else) as one printable line of at most 2,000 characters."""
    line = printable(" ".join(str(value).split()))
    return line if len(line) <= _LINE_LIMIT else f"{line[:_LINE_LIMIT]}…"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
