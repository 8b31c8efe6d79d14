"""Text of strangers (log lines, items) as a page may show it: every character visible, nothing endless."""


def visible(text: str, limit: int, size: int = 0) -> str:
    """Return the text with codes in place of control and direction characters, cut to `limit` characters.

    `size` is the length of the whole if `text` is only its begin.
    """
    cut = text[:limit]
    if not cut.isprintable():
        cut = "".join(_code(character) for character in cut)
    rest = max(len(text), size) - limit
    return f"{cut} … (+{rest:,})" if rest > 0 else cut


def _code(character: str) -> str:
    if character.isprintable() or character == "\t":
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
