import csv
import datetime
import io
import json
import logging
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import SerializeError
from aioscrapy.exporters import (
    CsvItemExporter,
    ItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)
from aioscrapy.feeds.options import feed_of
from aioscrapy.http import Request, Response
from aioscrapy.settings import Settings
from support import child_environment


@dataclass
class Quote:
    text: str
    tags: list[str] = field(default_factory=list)
    price: float = field(default=0, metadata={"serializer": lambda value: f"{value} EUR"})


@attrs.define
class AttrsQuote:
    text: str
    tags: list[str]


class PydanticQuote(pydantic.BaseModel):
    text: str
    tags: list[str]


def exported(cls: type[ItemExporter], *items: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    exporter = cls(file, **options)
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    return file.getvalue()


ALL_KINDS = [
    {"text": "a", "tags": ["x", "y"]},
    AttrsQuote("a", ["x", "y"]),
    PydanticQuote(text="a", tags=["x", "y"]),
]


@pytest.mark.parametrize("item", ALL_KINDS)
def test_each_kind_of_item_gives_the_same_lines(item: Any) -> None:
    assert exported(JsonLinesItemExporter, item) == b'{"text": "a", "tags": ["x", "y"]}\n'
    assert exported(CsvItemExporter, item) == b'text,tags\r\na,"x,y"\r\n'


def test_a_field_is_written_by_the_serializer_that_its_class_declares() -> None:
    assert json.loads(exported(JsonLinesItemExporter, Quote("a", [], 3))) == {
        "text": "a",
        "tags": [],
        "price": "3 EUR",
    }


def test_values_that_json_has_no_form_for_are_written_as_scrapy_does() -> None:
    item = {
        "when": datetime.datetime(2024, 1, 31, 12, 30, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 1, 31),
        "time": datetime.time(12, 30),
        "price": Decimal("1.10"),
        "set": {1},
        "bytes": "é".encode(),
        "request": Request("https://example.com/a"),
        "response": Response("https://example.com/b", status=404),
        "nested": [Quote("b", ["z"])],
        "none": None,
    }
    assert json.loads(exported(JsonLinesItemExporter, item)) == {
        "when": "2024-01-31T12:30:00+00:00",
        "day": "2024-01-31",
        "time": "12:30:00",
        "price": "1.10",
        "set": [1],
        "bytes": "é",
        "request": "<Request GET https://example.com/a>",
        "response": "<Response 404 https://example.com/b>",
        "nested": [{"text": "b", "tags": ["z"], "price": 0}],
        "none": None,
    }


@pytest.mark.parametrize("cls", [JsonLinesItemExporter, JsonItemExporter])
@pytest.mark.parametrize("value", [object(), b"\xff", {("a", "tuple"): 1}])
def test_a_value_without_a_form_is_refused_by_its_field_and_nothing_is_written(
    cls: type[ItemExporter], value: Any
) -> None:
    file = io.BytesIO()
    exporter = cls(file)
    with pytest.raises(SerializeError, match="field 'bad'"):
        exporter.export_item({"good": 1, "bad": value})
    assert file.getvalue() == b""


@pytest.mark.parametrize("cls", [JsonLinesItemExporter, XmlItemExporter])
def test_an_item_that_holds_itself_is_refused(cls: type[ItemExporter]) -> None:
    item: dict[str, Any] = {}
    item["self"] = item
    with pytest.raises(SerializeError):
        cls(io.BytesIO()).export_item(item)


def test_an_array_stays_valid_around_an_item_that_was_refused() -> None:
    file = io.BytesIO()
    exporter = JsonItemExporter(file)
    exporter.start_exporting()
    with pytest.raises(SerializeError):
        exporter.export_item({"bad": object()})
    exporter.export_item({"a": 1})
    exporter.export_item({"a": 2})
    exporter.finish_exporting()
    assert json.loads(file.getvalue()) == [{"a": 1}, {"a": 2}]


def test_an_array_is_one_line_or_has_one_item_a_line_or_is_indented() -> None:
    assert exported(JsonItemExporter) == b"[]"
    assert exported(JsonItemExporter, {"a": 1}, {"a": 2}) == b'[{"a": 1},{"a": 2}]'
    assert exported(JsonItemExporter, {"a": 1}, {"a": 2}, indent=0) == b'[\n{"a": 1},\n{"a": 2}\n]'
    assert exported(JsonItemExporter, {"a": 1}, indent=2) == b'[\n{\n  "a": 1\n}\n]'


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", '{"t": "é€"}\n'.encode()),
        (None, b'{"t": "\\u00e9\\u20ac"}\n'),
        ("latin-1", b'{"t": "\\u00e9\\u20ac"}\n'),
        ("cp1252", '{"t": "é€"}\n'.encode("cp1252")),
        ("utf-16", '{"t": "é€"}\n'.encode("utf-16")),
    ],
)
def test_characters_that_the_encoding_lacks_are_escaped(encoding: str | None, expected: bytes) -> None:
    assert exported(JsonLinesItemExporter, {"t": "é€"}, encoding=encoding) == expected


def test_utf_16_has_one_byte_order_mark() -> None:
    lines = exported(JsonLinesItemExporter, {"a": 1}, {"a": 2}, encoding="utf-16").decode("utf-16")
    assert lines == '{"a": 1}\n{"a": 2}\n'


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.text() | st.integers() | st.lists(st.none() | st.booleans())
    )
)
def test_what_json_can_hold_comes_back_from_one_line(item: dict[str, Any]) -> None:
    line = exported(JsonLinesItemExporter, item)
    assert line.count(b"\n") == 1
    assert json.loads(line) == item


def test_fields_choose_order_and_names() -> None:
    item = {"a": 1, "b": 2, "c": 3}
    assert exported(JsonLinesItemExporter, item, fields_to_export=["c", "a", "x"]) == b'{"c": 3, "a": 1}\n'
    assert exported(JsonLinesItemExporter, item, fields_to_export={"b": "B"}) == b'{"B": 2}\n'
    assert exported(CsvItemExporter, item, fields_to_export={"b": "B", "x": "X"}) == b"B,X\r\n2,\r\n"


def test_csv_says_once_which_later_fields_have_no_column(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rows = exported(CsvItemExporter, {"a": 1}, {"a": 2, "b": 3}, {"b": 4})
    assert rows == b'a\r\n1\r\n2\r\n""\r\n'
    assert [record.getMessage() for record in caplog.records if "['b']" in record.getMessage()] != []
    assert len(caplog.records) == 1


@given(
    st.lists(
        st.fixed_dictionaries({"a": st.text(st.characters(codec="utf-8")), "b": st.text("x,;\"' \n\r")}),
        min_size=1,
    )
)
def test_csv_text_comes_back(items: list[dict[str, str]]) -> None:
    text = exported(CsvItemExporter, *items).decode("utf-8")
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == items


UNQUOTED = {"quoting": csv.QUOTE_NONE}


@pytest.mark.parametrize(
    ("options", "items", "refused", "lines"),
    [
        (UNQUOTED, ["x,y", 'a"b', "a\nb", "good"], 3, ["a", "good"]),
        ({**UNQUOTED, "escapechar": "\\"}, ["x,y", "good"], 0, ["a", "x\\,y", "good"]),
        ({**UNQUOTED, "fields_to_export": ["a"]}, ["", "good"], 0, ["a", "", "good"]),
        ({"quotechar": None, **UNQUOTED}, ["x,y", "good"], 1, ["a", "good"]),
        ({"delimiter": ";"}, ["x;y"], 0, ["a", '"x;y"']),
    ],
)
def test_csv_refuses_a_cell_without_a_form_before_its_page_is_committed(
    options: dict[str, Any], items: list[str], refused: int, lines: list[str]
) -> None:
    file = io.BytesIO()
    exporter = CsvItemExporter(file, **options)
    problems = 0
    for cell in items:
        try:
            packed = exporter.pack({"a": cell})
        except SerializeError:
            problems += 1
        else:
            exporter.write(packed)
    assert (problems, file.getvalue().decode().split("\r\n")[:-1]) == (refused, lines)


def test_the_columns_of_csv_are_those_of_the_first_item_that_has_some() -> None:
    assert exported(CsvItemExporter, {}, {"a": 1}, {"a": 2}) == b"\r\na\r\n1\r\n2\r\n"


@pytest.mark.parametrize(
    ("options", "file", "then"),
    [
        ({"include_headers_line": False}, b"1,x\r\n", b"1,x\r\n2,y\r\n"),
        ({}, b"a,b\r\n1,x\r\n", b"a,b\r\n1,x\r\n2,y\r\n"),
        ({}, b"b,a\r\nx,1\r\n", b"b,a\r\nx,1\r\ny,2\r\n"),
        ({}, b"\r\n", b"\r\na,b\r\n2,y\r\n"),
        ({"quoting": csv.QUOTE_NONNUMERIC}, b"a,b\r\n", b'a,b\r\n"2","y"\r\n'),
    ],
)
def test_csv_goes_on_below_rows_with_and_without_a_header(
    tmp_path: Path, options: dict[str, Any], file: bytes, then: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(file)
    feed = feed_of(str(path), {"item_export_kwargs": options}, Settings())
    feed.prepare(None)
    feed.begin()
    feed.write_item({"a": 2, "b": "y"})
    assert feed.close()
    assert path.read_bytes() == then
    assert ("no line with the names of its columns" in caplog.text) == ("include_headers_line" in options)


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-8-sig", "utf-8"), ("utf_8", "utf-8"), ("latin-1", "latin-1")]
)
def test_xml_declares_an_encoding_that_parsers_know(encoding: str, declared: str) -> None:
    document = exported(XmlItemExporter, {"a": "\u00fc"}, encoding=encoding)
    assert f'encoding="{declared}"'.encode() in document
    assert ET.fromstring(document).findtext("item/a") == "\u00fc"


def test_csv_joins_strings_and_reads_bytes() -> None:
    item = {"s": ["a", "b"], "mixed": [1, 2], "bytes": b"x\xff", "none": None}
    assert exported(CsvItemExporter, item) == b's,mixed,bytes,none\r\n"a,b","[1, 2]",x\\xff,\r\n'


def test_xml_nests_lists_dicts_and_items() -> None:
    item = {"t": "a<b&c", "tags": ["x", 2], "sub": {"k": None}, "quotes": [Quote("q", ["z"])]}
    root = ET.fromstring(exported(XmlItemExporter, item))
    assert root.tag == "items"
    assert root.findtext("item/t") == "a<b&c"
    assert [value.text for value in root.iterfind("item/tags/value")] == ["x", "2"]
    assert root.findtext("item/sub/k") == ""
    assert root.findtext("item/quotes/value/tags/value") == "z"


def test_xml_names_keep_letters_and_lose_what_no_name_can_hold() -> None:
    root = ET.fromstring(exported(XmlItemExporter, {"价格": 1, "größe": 2, "a b": 3, "1": 4, "": 5}))
    assert [element.tag for element in root[0]] == ["价格", "größe", "a_b", "_1", "_"]


def test_xml_can_be_indented() -> None:
    assert exported(XmlItemExporter, {"a": ["x"]}, indent=1).decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<items>\n'
        " <item>\n  <a>\n   <value>x</value>\n  </a>\n </item>\n</items>"
    )


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_xml_stays_well_formed_whatever_the_text(item: dict[str, Any]) -> None:
    for encoding in ("utf-8", "ascii"):
        root = ET.fromstring(exported(XmlItemExporter, item, encoding=encoding))
        assert len(root) == 1
        assert len(root[0]) == len(item)


@pytest.mark.server
def test_exporting_a_dataclass_does_not_load_scrapy() -> None:
    program = """
import dataclasses, io, sys
from aioscrapy.exporters import JsonLinesItemExporter
Item = dataclasses.make_dataclass("Item", ["a"])
JsonLinesItemExporter(io.BytesIO()).export_item(Item(1))
assert "itemadapter" in sys.modules
print([name for name in ("scrapy", "twisted", "pkg_resources") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


class Rss(XmlItemExporter):
    """Writes the beginning, the end and some fields by `xg`, as exporters of projects do."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(file, item_element="entry", **options)
        self.root_element = "channel"

    def start_exporting(self) -> None:
        self.xg.startDocument()
        self.xg.startElement("rss", {"version": "2.0"})
        self.xg.startElement(self.root_element, {})
        self._beautify_newline(new_item=True)

    def finish_exporting(self) -> None:
        self.xg.endElement(self.root_element)
        self.xg.endElement("rss")
        self.xg.endDocument()


class Enclosures(Rss):
    def _export_xml_field(self, name: str, serialized_value: Any, depth: int) -> None:
        if name == "link":
            self.xg.startElement("enclosure", {"url": serialized_value})
            self.xg.endElement("enclosure")
        else:
            super()._export_xml_field(name, serialized_value, depth)


class Everything(XmlItemExporter):
    def export_item(self, item: Any) -> None:
        self._beautify_indent(depth=1)
        self.xg.startElement(self.item_element, {"id": "1"})
        for name, value in self._get_serialized_fields(item, default_value=""):
            self._export_xml_field(name, value, depth=2)
        self.xg.endElement(self.item_element)


RSS = '<rss version="2.0"><channel><entry>{}<n><value>1</value></n></entry></channel></rss>'
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


@pytest.mark.parametrize(
    ("exporter_class", "options", "expected"),
    [
        (
            Rss,
            {},
            RSS.format("<link>é</link>"),
        ),
        (
            Enclosures,
            {},
            RSS.format('<enclosure url="é"></enclosure>'),
        ),
        (
            Everything,
            {"indent": 1},
            '<items>\n <item id="1">  <link>é</link>\n  <n>\n   <value>1</value>\n  </n>\n</item></items>',
        ),
    ],
)
def test_an_xml_exporter_of_a_project_writes_elements_itself(
    exporter_class: Any, options: dict[str, Any], expected: str
) -> None:
    file = io.BytesIO()
    exporter = exporter_class(file, **options)
    exporter.start_exporting()
    exporter.export_item({"link": "é", "n": [1]})
    exporter.finish_exporting()
    assert file.getvalue().decode() == HEAD + expected


class Upper(CsvItemExporter):
    def __init__(self, file: Any, include_headers_line: bool = True, join_multivalued: str = "|") -> None:
        super().__init__(file, include_headers_line, join_multivalued)

    def _write_headers_and_set_fields_to_export(self, item: Any) -> None:
        self.fields_to_export = list(item)
        self.csv_writer.writerow(list(self._build_row(name.upper() for name in item)))


class Rows(CsvItemExporter):
    def export_item(self, item: Any) -> None:
        if self._headers_not_written:
            self._headers_not_written = False
            self._write_headers_and_set_fields_to_export(item)
        values = (
            value for _, value in self.get_serialized_fields(item, default_value="", include_empty=True)
        )
        self.csv_writer.writerow([*self._build_row(values), "own"])


class Pieces(JsonItemExporter):
    def export_item(self, item: Any) -> None:
        self._add_comma_after_first()
        self.file.write(self.encoder.encode(dict(item)).encode())


@pytest.mark.parametrize(
    ("exporter_class", "expected"),
    [
        (Upper, "LINK,N\r\né,x|y\r\né,x|y\r\n"),
        (Rows, 'link,n\r\né,"x,y",own\r\né,"x,y",own\r\n'),
        (Pieces, '[{"link": "é", "n": ["x", "y"]},{"link": "é", "n": ["x", "y"]}]'),
    ],
)
def test_an_exporter_of_a_project_uses_the_parts_of_ours(exporter_class: Any, expected: str) -> None:
    file = io.BytesIO()
    exporter = exporter_class(file)
    exporter.start_exporting()
    for _ in range(2):
        exporter.export_item({"link": "é", "n": ["x", "y"]})
    exporter.finish_exporting()
    assert file.getvalue().decode() == expected  # and the file is open
