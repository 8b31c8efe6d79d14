"""The character encoding of a body: as declared, as browsers read the labels, else guessed. Loaded on use.

Source: the HTML Standard, "Determining the character encoding", and the labels of the Encoding Standard.
"""

import re

from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding

# Labels of the Encoding Standard that neither Python nor w3lib knows.
_LABELS = {
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "windows-949": "cp949",
    "ks_c_5601-1989": "cp949",
    "dos-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "iso-8859-8-i": "iso8859_8",
    "logical": "iso8859_8",
    "unicode-1-1-utf-8": "utf-8",
    "iso88591": "cp1252",
    "koi": "koi8_r",
    "koi8": "koi8_r",
    "koi8-ru": "koi8_u",
    "x-user-defined": "cp1252",
    **{f"x-cp125{number}": f"cp125{number}" for number in range(9)},
    **dict.fromkeys(("unicode", "csunicode", "ucs-2", "iso-10646-ucs-2", "utf-16", "utf16"), "utf-16-le"),
    **dict.fromkeys(("utf-32", "utf32"), "utf-32-le"),
}
# Python decodes by these, browsers don't.
_REFUSED = frozenset({"utf-7", "utf_7", "utf7"})
_ESCAPES = frozenset({"unicode-escape", "raw-unicode-escape"})  # they make surrogates of a page's text
# What browsers guess; Western European is what remains.
_GUESSED = [
    *("cp932", "euc_jp", "gb18030", "big5hkscs", "cp949", "cp1251", "koi8_r", "cp866", "cp1253", "cp1255"),
    *("cp1256", "cp874", "cp1250", "cp1254", "cp1252"),
]
_WESTERN, _CENTRAL = "cp1252", "cp1250"
# bytes of text that the guess looks at, and bytes above ASCII below which there is nothing to guess from
_SAMPLE = 16 * 1024
_FEWEST = 4

_header_label = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE).search
_meta_label = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE).finditer
_words = re.compile(rb"[^<>]*[\x80-\xff][^<>]*").finditer
_high = re.compile(rb"[\x80-\xff]").findall
# Letters of Central European words (cp1250) that are signs in cp1252, in the middle of a word.
_central_word = re.compile(rb"[A-Za-z\x80-\xff][\xa3\xb3\xb9\xbc\xbe\xbf\x9c\x9d\x9f][a-z\xe0-\xff]").search


def detect(content_type: bytes, body: bytes) -> str:
    """Return the encoding of a body: by byte order mark, header, <meta> or <?xml, else a guess."""
    return declared(content_type, body) or _guess(body)


def declared(content_type: bytes, body: bytes) -> str | None:
    """Return the encoding by byte order mark, header, <meta> or <?xml; None if there is none."""
    return read_bom(body)[0] or by_header(content_type, body) or _by_meta(body)


def codec(label: str | None) -> str | None:
    """Return Python's codec for a label of an encoding; None if text can't be decoded by it."""
    name = (label or "").strip().lower()
    if not name or name in _REFUSED:
        return None
    encoding = _LABELS.get(name) or resolve_encoding(name)
    try:
        b"a\xff".decode(encoding or "undefined", "replace")  # Python also has codecs such as hex and idna
    except (LookupError, UnicodeError):
        return None
    return None if encoding in _ESCAPES else encoding


def by_header(content_type: bytes, body: bytes) -> str | None:
    """Return the encoding in a Content-Type, unless the body can't be in it."""
    match = _header_label(content_type)
    if match is None:
        return None
    encoding = codec(match[1].decode("latin-1"))
    if encoding is None or not body or not encoding.startswith(("utf-16", "utf-32")):
        return encoding
    if b"\0" not in body[:1024]:
        return None  # markup has zeros in these encodings: the header is wrong
    if match[1].lower() == b"utf-16" and body[:1024:2].count(0) > body[1:1024:2].count(0):
        return "utf-16-be"  # browsers read little endian, and show nothing that makes sense
    return encoding


def _by_meta(body: bytes) -> str | None:
    encoding = codec(html_body_declared_encoding(body))
    if encoding is None:
        for match in _meta_label(body):
            if body.rfind(b"<!--", 0, match.start()) <= body.rfind(b"-->", 0, match.start()):
                encoding = codec(match[1].decode("latin-1"))
                break
    if encoding is not None and encoding.startswith(("utf-16", "utf-32")):
        return "utf-8"  # the declaration itself could be read as ASCII
    return encoding


def _guess(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        # A body that ends in the middle of a character is still UTF-8.
        if exc.reason == "unexpected end of data" or _is_almost_utf8(body):
            return "utf-8"
    else:
        return "utf-8"
    sample = b" ".join(match[0] for match, _ in zip(_words(body), range(200), strict=False))[:_SAMPLE]
    if len(_high(sample)) < _FEWEST:
        return _WESTERN
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSED).best()
    if best is None or best.encoding in {_WESTERN, _CENTRAL}:
        return _CENTRAL if _central_word(sample) else _WESTERN
    return str(best.encoding)


def _is_almost_utf8(body: bytes) -> bool:
    """Return True for UTF-8 with a few bytes that don't belong there."""
    text = body[: 64 * _SAMPLE].decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return good > 10 * bad
