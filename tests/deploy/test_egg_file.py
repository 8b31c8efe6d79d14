"""Eggs: the same bytes for the same files, readable by Python's own tools."""

import importlib.metadata
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy_deploy.eggs import entry_points, record
from aioscrapy_deploy.eggs import format as egg
from aioscrapy_deploy.eggs.metadata import project_metadata, stable_metadata
from aioscrapy_deploy.errors import BuildError

FILES = {"shop/__init__.py": b"", "shop/settings.py": b"BOT_NAME = 'shop'\n", "shop/data/a.json": b"{}"}

names = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)


def whole(files: dict[str, bytes]) -> dict[str, bytes]:
    files = {**files, **project_metadata(files, "shop.settings", {})}
    return record.with_record(entry_points.with_entry_points(files, "shop.settings"), ["b", "a"])


@given(st.dictionaries(names.map(lambda name: f"{name}.x"), st.binary(max_size=40)))
def test_what_is_packed_comes_out_whatever_its_order(files: dict[str, bytes]) -> None:
    data = egg.egg_bytes(files)
    assert egg.read_egg(data, "it") == files
    assert egg.egg_bytes(dict(reversed(files.items()))) == data


def test_times_and_modes_are_fixed() -> None:
    with zipfile.ZipFile(io.BytesIO(egg.egg_bytes(FILES))) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert [entry.filename for entry in entries] == sorted(FILES)


def test_importlib_metadata_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.egg"
    path.write_bytes(egg.egg_bytes(whole(FILES)))
    (found,) = importlib.metadata.distributions(path=[str(path)])
    assert (found.metadata["Name"], found.version) == ("shop", "1.0")
    assert {(point.group, point.name, point.module) for point in found.entry_points} == {
        ("aioscrapy", "settings", "shop.settings"),
        ("scrapy", "settings", "shop.settings"),
    }
    assert (found.read_text("top_level.txt") or "").split() == ["shop"]


@pytest.mark.server
def test_python_imports_from_it_also_where_an_init_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "shop.egg"
    path.write_bytes(egg.egg_bytes({"shop/deep/settings.py": b"X = 1\n", "whole/__init__.py": b""}))
    code = f"import sys; sys.path.insert(0, {str(path)!r}); import whole, shop.deep.settings as s; print(s.X)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_the_record_has_the_names_and_a_hash_of_the_rest() -> None:
    files = whole(FILES)
    written = json.loads(files[record.RECORD])
    assert written == {"sha256": record.content_hash(files), "spiders": ["a", "b"]}
    assert record.recorded_spiders(files) == ["a", "b"]
    assert record.content_hash({**files, record.RECORD: b"{}"}) == written["sha256"]
    assert record.content_hash({**files, "shop/__init__.py": b"#"}) != written["sha256"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spiders": null}', "\xff"])
def test_an_egg_without_a_record_has_no_known_spiders(text: str) -> None:
    assert record.recorded_spiders({record.RECORD: text.encode("latin-1")}) is None
    assert record.recorded_spiders({}) is None


@pytest.mark.parametrize("group", ["scrapy", "aioscrapy"])
def test_the_missing_group_is_added_and_the_rest_stays(group: str) -> None:
    points = f"[{group}]\nsettings = mine.settings\n\n[Console_Scripts]\nDo = mine:main\n"
    files = entry_points.with_entry_points({"EGG-INFO/entry_points.txt": points.encode()}, "mine.settings")
    assert files["EGG-INFO/entry_points.txt"].decode().split() == [
        *("[Console_Scripts]", "Do", "=", "mine:main"),
        *("[aioscrapy]", "settings", "=", "mine.settings"),
        *("[scrapy]", "settings", "=", "mine.settings"),
    ]
    assert entry_points.settings_module(files["EGG-INFO/entry_points.txt"]) == "mine.settings"


def test_two_groups_that_differ_stay_as_they_are() -> None:
    points = b"[aioscrapy]\nsettings = a.settings\n\n[scrapy]\nsettings = b.settings\n"
    assert entry_points.with_entry_points({"EGG-INFO/entry_points.txt": points}, "c") == {
        "EGG-INFO/entry_points.txt": points
    }


def test_bytecode_is_dropped_if_its_source_is_there() -> None:
    files = {"a.py": b"", "a.pyc": b"", "b.pyc": b"", "p/__pycache__/c.cpython-311.pyc": b""}
    assert egg.without_bytecode(files).keys() == {"a.py", "b.pyc"}


def test_metadata_of_two_setuptools_becomes_the_same() -> None:
    old = b"Metadata-Version: 2.1\nName: shop\nVersion: 1.0\nRequires-Dist: b\nRequires-Dist: a\n\nText\n"
    new = b"Metadata-Version: 2.4\nName: shop\nVersion: 1.0\nRequires-Dist: a\nRequires-Dist: b\nDynamic: x\n"
    first, second = (stable_metadata({"EGG-INFO/PKG-INFO": text, "shop.py": b""}) for text in (old, new))
    assert first == second
    assert first["EGG-INFO/SOURCES.txt"] == b"shop.py\n"


@pytest.mark.parametrize("data", [b"", b"no zip", egg.egg_bytes(FILES)[:-30], egg.egg_bytes(FILES)[40:]])
def test_a_file_that_is_not_a_zip_is_refused(data: bytes) -> None:
    with pytest.raises(BuildError, match=r"^x\.egg is not an egg"):
        egg.read_egg(data, "x.egg")


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "..\\out"])
def test_a_path_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="outside"):
        egg.read_egg(egg.egg_bytes({name: b""}), "x.egg")


def test_entry_points_in_another_format_are_refused() -> None:
    with pytest.raises(BuildError, match=r"entry_points\.txt"):
        entry_points.settings_module(b"settings\n")
