import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy.exceptions import ProjectError
from aioscrapy.project import find_cfg, project_settings, settings_here, settings_module

VARIABLES = ("AIOSCRAPY_SETTINGS_MODULE", "SCRAPY_SETTINGS_MODULE", "AIOSCRAPY_PROJECT", "SCRAPY_PROJECT")


@pytest.fixture(autouse=True)
def clean_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Leave no import path, module or variable of one test to the next."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def make_project(folder: Path, cfg: str = "aioscrapy.cfg", package: str = "shop1", bot: str = "x") -> Path:
    write(folder / package / "__init__.py")
    write(folder / package / "settings.py", f"BOT_NAME = {bot!r}\n")
    return write(folder / cfg, f"[settings]\ndefault = {package}.settings\n\n[deploy]\npassword = 100%\n")


def test_the_closest_cfg_upwards_is_found(tmp_path: Path) -> None:
    write(tmp_path / "aioscrapy.cfg")
    inner = write(tmp_path / "a" / "scrapy.cfg")
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert find_cfg(tmp_path / "a" / "b" / "c") == inner
    assert find_cfg(tmp_path) == tmp_path / "aioscrapy.cfg"


def test_aioscrapy_cfg_goes_before_scrapy_cfg_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "scrapy.cfg")
    own = write(tmp_path / "aioscrapy.cfg")
    assert find_cfg(tmp_path) == own


def test_a_folder_called_like_a_cfg_is_none(tmp_path: Path) -> None:
    (tmp_path / "p" / "aioscrapy.cfg").mkdir(parents=True)
    assert find_cfg(tmp_path / "p") is None


@pytest.mark.parametrize("cfg", ["aioscrapy.cfg", "scrapy.cfg"])
def test_the_cfg_names_the_settings_and_its_folder_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cfg: str
) -> None:
    make_project(tmp_path, cfg, bot="from cfg")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    settings = project_settings()
    assert settings["BOT_NAME"] == "from cfg"
    assert settings["CONCURRENT_REQUESTS"] == 16
    assert sys.path[0] == str(tmp_path)


def test_the_environment_goes_before_the_cfg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path)
    write(tmp_path / "shop1" / "scrapys.py", "BOT_NAME = 'scrapy variable'\n")
    write(tmp_path / "shop1" / "ours.py", "BOT_NAME = 'our variable'\n")
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "shop1.scrapys")
    assert project_settings()["BOT_NAME"] == "scrapy variable"
    monkeypatch.setenv("AIOSCRAPY_SETTINGS_MODULE", "shop1.ours")
    assert project_settings()["BOT_NAME"] == "our variable"


def test_an_egg_is_not_mixed_with_the_project_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path / "egg", package="shop2", bot="egg")
    make_project(tmp_path / "daemon", package="shop2", bot="daemon's folder")
    monkeypatch.chdir(tmp_path / "daemon")
    monkeypatch.syspath_prepend(str(tmp_path / "egg"))
    monkeypatch.setenv("AIOSCRAPY_SETTINGS_MODULE", "shop2.settings")
    assert project_settings()["BOT_NAME"] == "egg"
    assert str(tmp_path / "daemon") not in sys.path


@pytest.mark.parametrize("variable", ["AIOSCRAPY_PROJECT", "SCRAPY_PROJECT"])
def test_one_cfg_can_name_several_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    write(tmp_path / "aioscrapy.cfg", "[settings]\ndefault = one.settings\nother = two.settings\n")
    assert settings_module() == "one.settings"
    monkeypatch.setenv(variable, "other")
    assert settings_module() == "two.settings"
    monkeypatch.setenv(variable, "unknown")
    assert settings_module() == "one.settings"


def test_outside_of_a_project_there_are_only_the_defaults() -> None:
    assert settings_module() is None
    assert settings_here()["SPIDER_MODULES"] == []
    with pytest.raises(ProjectError, match=r"no project here: neither aioscrapy\.cfg nor scrapy\.cfg"):
        project_settings()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no `default = PACKAGE.settings`"),
        ("[deploy]\nurl = x\n", "no `default = PACKAGE.settings`"),
        ("[settings]\ndefault =\n", "no `default = PACKAGE.settings`"),
        ("default = x\n", "line 1: a [section] is missing before this line"),
    ],
)
def test_a_cfg_without_settings_is_named(tmp_path: Path, text: str, problem: str) -> None:
    cfg = write(tmp_path / "aioscrapy.cfg", text)
    with pytest.raises(ProjectError) as caught:
        project_settings()
    assert str(cfg) in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cfg_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "aioscrapy.cfg").write_bytes(b"\xff\xfe[settings]\x00")
    with pytest.raises(ProjectError, match=r"aioscrapy\.cfg: it is not UTF-8 text"):
        project_settings()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("X = 1 / 0", "ZeroDivisionError"),
        ("X = (", "SyntaxError"),
    ],
)
def test_settings_that_fail_are_named(tmp_path: Path, source: str, problem: str) -> None:
    make_project(tmp_path, package="shop3")
    write(tmp_path / "shop3" / "settings.py", source)
    for read in (project_settings, settings_here):
        with pytest.raises(
            ProjectError, match=f"settings module 'shop3.settings' can't be imported: {problem}"
        ):
            read()
