"""The pipeline that writes Excel files: no value of a site loses the file, or becomes a formula."""

import re
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.exceptions import SerializeError
from aioscrapy.pipelines.excel import ExcelPipeline
from support.context import context

LONG = "http://a.test/" + "y" * 3000


def cells(path: Path) -> list[str]:
    """Return the texts and numbers of the first sheet, row by row; formulas begin with "="."""
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        texts = book.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in names else ""
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    shared = [unescape(text) for text in re.findall(r"<t[^>]*>([^<]*)</t>", texts)]
    found = re.findall(r'<c r="\w+"( t="s")?>(<f>)?(?:[^<]*</f>)?<v>([^<]*)</v>', sheet)
    return [
        f"={value}" if formula else shared[int(value)] if text else value for text, formula, value in found
    ]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "=1+1"),
        ("{=1+1}", "{=1+1}"),
        (LONG, LONG),
        ("\ud800", "\\ud800"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**60, str(2**60)),
        (1.5, "1.5"),
        (b"x", "b'x'"),
        ("x" * 40_000, "x" * 32_767),
    ],
)
def test_values_are_written_as_they_are(
    tmp_path: Path, value: Any, cell: str, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline, spider = ExcelPipeline(), context().spider
    for item in ({}, {"a": value}, {"a": "last"}):
        pipeline.process_item({**item, "__excel__": {"filename": str(tmp_path / "x")}}, spider)
    pipeline.close_spider()
    assert cells(tmp_path / "x.xlsx") == ["a", cell, "last"]
    assert ("is cut to 32,767 characters" in caplog.text) == (len(str(value)) > 32_767)


def test_an_option_of_an_item_makes_formulas(tmp_path: Path) -> None:
    pipeline = ExcelPipeline()
    target = {"filename": str(tmp_path / "x"), "strings_to_formulas": True}
    pipeline.process_item({"a": "=1+1", "__excel__": target}, context().spider)
    pipeline.close_spider()
    assert cells(tmp_path / "x.xlsx") == ["a", "=0"]  # Excel computes it


def test_a_full_sheet_is_an_error_of_the_item(tmp_path: Path) -> None:
    pipeline, spider = ExcelPipeline(), context().spider
    target = {"filename": str(tmp_path / "x")}
    pipeline.process_item({"a": 1, "__excel__": dict(target)}, spider)
    next(iter(pipeline._sheets.values()))[0].dim_rowmax = 1_048_575
    with pytest.raises(SerializeError, match="is full"):
        pipeline.process_item({"a": 2, "__excel__": dict(target)}, spider)


def test_one_file_has_one_book_and_an_error_leaves_the_others(tmp_path: Path) -> None:
    pipeline, spider = ExcelPipeline(), context().spider
    for name in ("gone/x", "good", "./folder/../good.xlsx"):
        pipeline.process_item({"a": 1, "__excel__": {"filename": f"{tmp_path}/{name}"}}, spider)
    (tmp_path / "gone").rmdir()
    with pytest.raises(Exception, match="No such file"):
        pipeline.close_spider()
    assert cells(tmp_path / "good.xlsx") == ["a", "1", "1"]
