import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy.exceptions import ConfigError, SettingError, SpiderNotFoundError
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader

SPIDER = "from aioscrapy import Spider\n\nclass {cls}(Spider):\n    name = {name!r}\n"


@pytest.fixture(autouse=True)
def clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take no module from another test, and leave no import path and no module to the next."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    forget_shop()
    yield
    forget_shop()


def forget_shop() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
def spiders(tmp_path: Path) -> Path:
    """The folder of an importable package shop.spiders that holds spider `one`."""
    folder = tmp_path / "shop" / "spiders"
    write(folder.parent / "__init__.py")
    write(folder / "__init__.py")
    write(folder / "one.py", spider("one"))
    sys.path.insert(0, str(tmp_path))
    return folder


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def spider(name: str, cls: str = "Own") -> str:
    return SPIDER.format(name=name, cls=cls)


def loader(*modules: str, **settings: object) -> SpiderLoader:
    return SpiderLoader(Settings({"SPIDER_MODULES": [*modules] or ["shop.spiders"], **settings}))


def test_spiders_are_found_in_packages_of_packages(spiders: Path) -> None:
    write(spiders / "more" / "__init__.py")
    write(spiders / "more" / "deep" / "__init__.py", spider("three"))
    write(spiders / "more" / "two.py", spider("two"))
    found = loader()
    assert found.list() == ["one", "three", "two"]
    assert found.load("two").__module__ == "shop.spiders.more.two"
    assert found.warnings == []


def test_only_named_spiders_that_a_module_defines_itself_count(spiders: Path) -> None:
    write(
        spiders / "base.py",
        "from aioscrapy import Spider\nfrom shop.spiders.one import Own\n\n"
        "class Base(Spider):\n    pass\n\nclass Thing:\n    name = 'thing'\n\nthing = Thing()\n",
    )
    assert loader().list() == ["one"]


def test_spiders_are_found_in_an_egg(tmp_path: Path) -> None:
    egg = tmp_path / "p.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("shop/__init__.py", "")
        archive.writestr("shop/spiders/__init__.py", "")
        archive.writestr("shop/spiders/one.py", spider("one"))
        archive.writestr("shop/spiders/more/__init__.py", "")
        archive.writestr("shop/spiders/more/two.py", spider("two"))
        archive.writestr("shop/spiders/bad.py", "x = 1\nraise ValueError('in the egg')\n")
    sys.path.insert(0, str(egg))
    found = loader()
    assert found.list() == ["one", "two"]
    place = f"{egg}/shop/spiders/bad.py:2"
    assert found.warnings == [
        f"spider module shop.spiders.bad can't be imported: {place}: ValueError: in the egg"
    ]


@pytest.mark.parametrize(
    ("source", "line", "error"),
    [
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError: Expecting property name"),
        ("def f(:\n    pass\n", 1, "SyntaxError: invalid syntax"),
        ("\nimport not_there_at_all\n", 2, "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3"),
        ("def f():\n    raise ValueError('a\\nb')\nf()\n", 2, "ValueError: a b"),
        ("raise ValueError\n", 1, "ValueError"),
    ],
)
def test_a_module_that_fails_is_named_and_the_others_stay(
    spiders: Path, source: str, line: int, error: str
) -> None:
    write(spiders / "bad.py", source)
    found = loader()
    assert found.list() == ["one"]
    [failure] = found.failures
    assert failure.module == "shop.spiders.bad"
    assert failure.file == f"{spiders / 'bad.py'}:{line}"
    assert failure.error.startswith(error)
    assert found.warnings == [str(failure)]
    assert "\n" not in found.warnings[0]


def test_a_failure_is_placed_in_the_file_of_the_project_that_caused_it(spiders: Path) -> None:
    write(spiders.parent / "items.py", "\n\nX = {}['missing']\n")
    write(spiders / "bad.py", "from shop.items import X\n")
    [failure] = loader().failures
    assert failure.module == "shop.spiders.bad"
    assert failure.file == f"{spiders.parent / 'items.py'}:3"
    assert failure.error == "KeyError: 'missing'"


def test_a_package_that_fails_is_named(spiders: Path) -> None:
    write(spiders / "__init__.py", "import not_there_at_all\n")
    found = loader()
    assert found.list() == []
    assert [failure.module for failure in found.failures] == ["shop.spiders"]
    assert found.failures[0].file == f"{spiders / '__init__.py'}:1"


def test_with_warn_only_off_a_module_that_fails_ends_the_command(spiders: Path) -> None:
    write(spiders / "bad.py", "1 / 0\n")
    with pytest.raises(
        ConfigError, match=r"shop\.spiders\.bad can't be imported: .*bad\.py:1: ZeroDivisionError"
    ):
        loader(SPIDER_LOADER_WARN_ONLY=False)


@pytest.mark.parametrize("name", ["shop.nothing", "nothing_at_all", "nothing_at_all.spiders"])
@pytest.mark.usefixtures("spiders")
def test_a_spider_module_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=f"setting SPIDER_MODULES: there is no module '{name}'"):
        loader(name)


def test_of_two_spiders_of_one_name_the_last_wins_with_a_warning(spiders: Path) -> None:
    write(spiders / "second.py", spider("one", cls="Second"))
    found = loader()
    assert found.load("one").__name__ == "Second"
    [warning] = found.warnings
    assert "two spiders are named 'one'" in warning
    assert "shop.spiders.one.Own and shop.spiders.second.Second" in warning


@pytest.mark.parametrize("name", ["5", "b'x'", "['x']"])
def test_a_spider_whose_name_is_not_a_text_is_left_out_with_a_warning(spiders: Path, name: str) -> None:
    write(spiders / "second.py", spider("two", cls="Second").replace("'two'", name).replace('"two"', name))
    listed = loader()
    assert listed.list() == ["one"]
    [warning] = listed.warnings
    assert warning == f"the spider shop.spiders.second.Second is left out: its name {name} is not a text"


@pytest.mark.usefixtures("spiders")
def test_a_module_named_twice_is_no_reason_to_warn() -> None:
    found = loader("shop.spiders", "shop.spiders.one")
    assert found.list() == ["one"]
    assert found.warnings == []


def test_a_module_that_does_not_exist_is_a_warning_where_failures_are(spiders: Path) -> None:
    with pytest.warns(RuntimeWarning, match="there is no module 'nonesuch'"):
        found = SpiderLoader.from_settings(
            Settings({"SPIDER_MODULES": ["nonesuch", "shop.spiders"], "SPIDER_LOADER_WARN_ONLY": True})
        )
    assert found.list() == ["one"]
    assert [failure.module for failure in found.failures] == ["nonesuch"]


def test_an_unknown_name_gets_the_close_ones_and_the_failures(spiders: Path) -> None:
    write(spiders / "bad.py", "1 / 0\n")
    with pytest.raises(SpiderNotFoundError) as caught:
        loader().load("ones")
    assert "Spider not found: ones" in str(caught.value)
    assert "did you mean 'one'?" in str(caught.value)
    assert "bad.py:1: ZeroDivisionError" in str(caught.value)


def test_an_unknown_name_where_there_are_no_spiders_shows_the_setting() -> None:
    with pytest.raises(KeyError, match=r"no spiders in SPIDER_MODULES = \[\]"):
        SpiderLoader(Settings()).load("one")
