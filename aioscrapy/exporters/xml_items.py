"""Items as the elements of one XML document."""

import codecs
import re
from collections.abc import Mapping
from typing import Any

from aioscrapy.exceptions import SerializeError
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.exporters.parts import XmlParts
from aioscrapy.items import adapter, is_item

# Letters that every XML parser accepts in a name, also one by the fourth edition of XML 1.0 (expat).
_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u040e-\u044f"
    "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
# Compiled at their first use: that takes as long as the import of ten modules.
_NOT_IN_NAME = f"[^{_LETTERS}0-9_.-]"
_NAME_START = f"[{_LETTERS}_]"
_NOT_IN_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


class XmlItemExporter(XmlParts):
    """One element an item; lists become <value> elements, nested items elements with their fields.

    A character that XML can't represent becomes U+FFFD; one that is not allowed in a name, an underscore.
    """

    appendable = False
    errors = "xmlcharrefreplace"

    def __init__(
        self, file: BinaryWriter, *, item_element: str = "item", root_element: str = "items", **options: Any
    ) -> None:
        super().__init__(file, **options)
        self._refuse_unknown()
        self._item = item_element
        self._root = root_element
        self._line_end = "" if self.indent is None else "\n"
        self._margin = max(self.indent or 0, 0)

    def start_exporting(self) -> None:
        is_utf8 = codecs.lookup(self._encoding).name in {"utf-8", "utf-8-sig"}
        name = "utf-8" if is_utf8 else self._encoding  # utf-8-sig is a name of Python
        self._write(self._encode(f'<?xml version="1.0" encoding="{name}"?>\n<{self._root}>{self._line_end}'))

    def pack(self, item: Any) -> bytes:
        try:
            text = self._element(self._item, self.fields(item, ""), 1)
        except RecursionError as exc:
            raise SerializeError(str(exc)) from exc
        return self._encode(text if self._margin else f"{text}{self._line_end}")

    def finish_exporting(self) -> None:
        self._write(self._encode(f"</{self._root}>"))

    def _element(self, name: str, value: Any, depth: int) -> str:
        margin = " " * (self._margin * depth)
        end = "\n" if self._margin else ""
        if not isinstance(value, (str, bytes, int, float)) and is_item(value):
            value = dict(adapter(value))
        if isinstance(value, Mapping):
            named = [(_xml_name(key, self._encoding), inner) for key, inner in value.items()]
            children = [self._element(key, inner, depth + 1) for key, inner in named]
        elif isinstance(value, (list, tuple, set, frozenset)):
            children = [self._element("value", inner, depth + 1) for inner in value]
        else:
            return f"{margin}<{name}>{_xml_text(value)}</{name}>{end}"
        return f"{margin}<{name}>{end}{''.join(children)}{margin}</{name}>{end}"


def _xml_name(key: object, encoding: str) -> str:
    in_encoding = str(key).encode(encoding, "xmlcharrefreplace").decode(encoding)
    name = re.sub(_NOT_IN_NAME, "_", in_encoding)
    return name if re.match(_NAME_START, name) else f"_{name}"


def _xml_text(value: Any) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = re.sub(_NOT_IN_XML, "\ufffd", text)
    # not saxutils.escape: its import loads urllib.request and the mail parser at the start of every crawl
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
