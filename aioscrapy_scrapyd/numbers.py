"""Whole numbers in texts of strangers."""

# Digits of a number: it fits into 64 bits, and Python converts it (more than 4300 digits are an error).
_DIGITS = 18


def whole(text: str) -> int | None:
    """Return the number that a text of digits 0 to 9 stands for; None for another text or a huge number."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
