"""The runner finds the very egg that Scrapyd's own storage finds."""

import configparser
import io
import string
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapyd.config import Config
from scrapyd.eggstorage import FilesystemEggStorage

from aioscrapy_scrapyd.job.config import read_config
from aioscrapy_scrapyd.job.egg import Egg, open_egg

VERSIONS = st.one_of(
    st.from_regex(r"[0-9]{1,3}([._][0-9]{1,2}){0,3}((a|b|rc|\.post|\.dev|-)[0-9])?", fullmatch=True),
    st.from_regex(r"r[0-9]{1,6}-[a-z]{1,6}", fullmatch=True),
    st.from_regex(r"[0-9]{10}", fullmatch=True),
    st.text(string.ascii_letters + string.digits + "._-+!~ é", min_size=1, max_size=8),
)


def content(egg: IO[bytes] | None) -> bytes | None:
    if egg is None:
        return None
    with egg:
        return egg.read()


def file_of(egg: Egg | None) -> IO[bytes] | None:
    return egg.file if egg else None


@settings(max_examples=200, deadline=None)
@given(versions=st.lists(VERSIONS, max_size=6, unique=True))
def test_the_latest_and_each_version_are_those_of_scrapyd(
    tmp_path_factory: pytest.TempPathFactory, versions: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("eggs")
    theirs = FilesystemEggStorage(Config({"eggs_dir": str(folder)}))
    ours = configparser.ConfigParser()
    ours.read_dict(
        {"scrapyd": {"eggs_dir": str(folder), "eggstorage": "scrapyd.eggstorage.FilesystemEggStorage"}}
    )
    for version in versions:
        theirs.put(io.BytesIO(version.encode()), "p", version)
    (folder / "p").mkdir(exist_ok=True)
    (folder / "p" / ".hidden.egg").touch()
    (folder / "p" / "zz.egg.part").touch()
    for wanted in (None, *versions, "absent"):
        assert content(file_of(open_egg(ours, "p", wanted))) == content(theirs.get("p", wanted)[1])


def test_no_folder_of_the_project_is_no_egg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_egg(read_config(), "p", None) is None


def test_the_configuration_is_that_of_scrapyd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    home = tmp_path / "home"
    below.mkdir(parents=True)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(below)
    assert_same(read_config(), Config())
    (below / "scrapyd.conf").write_text(
        "[scrapyd]\neggs_dir = %(logs_dir)s/e\nlogs_dir = 50%%\n[settings]\na = b.c\n"
    )
    assert_same(read_config(), Config())
    (home / ".scrapyd.conf").write_text("[DEFAULT]\nlogs_dir = x\n[scrapyd]\neggstorage = some.Storage\n")
    assert_same(read_config(), Config())
    (tmp_path / "a" / "scrapy.cfg").write_text("[settings]\nA = d.e\n[scrapyd]\neggs_dir = last\n")
    assert_same(read_config(), Config())
    assert read_config().get("settings", "a") == "d.e"


def assert_same(ours: configparser.ConfigParser, theirs: Config) -> None:
    for key in ("eggs_dir", "eggstorage"):
        assert ours.get("scrapyd", key) == theirs.get(key)
    has_settings = ours.has_section("settings")
    assert (dict(ours.items("settings")) if has_settings else {}) == dict(
        theirs.items("settings", default=[])
    )
