"""One reader of the cfg files: crawls, deploys and targets see the same."""

import codecs
import os
import sys
from pathlib import Path

import pytest

from aioscrapy.exceptions import ProjectError
from aioscrapy.project import settings_module
from aioscrapy_deploy.cfg import find_project
from aioscrapy_deploy.eggs.entry_points import ENTRY_POINTS
from aioscrapy_deploy.eggs.entry_points import settings_module as settings_of_egg
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.targets import read_targets
from support.deploying import SPIDER, Run, Server, Write

CFG = "[settings]\ndefault = shop.settings\n\n[deploy:local]\nurl = http://h/\nproject = shöp\n"
SETUP = """
    from setuptools import setup, find_packages

    setup(
        name         = 'project',
        version      = '1.0',
        packages     = find_packages(),
        entry_points = {'aioscrapy': ['settings = shop.settings']},
    )
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AIOSCRAPY_", "SCRAPY_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.parametrize(
    "content",
    [
        CFG.encode(),
        codecs.BOM_UTF8 + CFG.encode(),
        CFG.replace("\n", "\r\n").encode("utf-8-sig"),
        CFG.encode("utf-16"),
        codecs.BOM_UTF16_BE + CFG.encode("utf-16-be"),
    ],
    ids=["plain", "mark", "windows", "utf-16", "utf-16 big"],
)
@pytest.mark.parametrize("name", ["aioscrapy.cfg", "scrapy.cfg"])
def test_a_file_of_any_editor_is_read_alike(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert settings_module() == "shop.settings"
    project = find_project(folder)
    assert project.settings_module("default") == "shop.settings"
    assert read_targets(project.cfg)["local"].project == "shöp"


@pytest.mark.parametrize(
    "text", [b"default = x\n", b"[settings]\nx\n", b"[a]\n[a]\n", b"[settings]\na = \xff\n", b"\xff\xfe["]
)
def test_a_file_that_cannot_be_read_is_the_same_error_for_all(folder: Path, text: bytes) -> None:
    (folder / "aioscrapy.cfg").write_bytes(text)
    with pytest.raises(TargetError) as first:
        find_project(folder)
    with pytest.raises(ProjectError) as second:
        settings_module()
    assert str(first.value) == str(second.value)
    assert str(folder / "aioscrapy.cfg") in str(first.value)
    assert "\n" not in str(first.value)


def test_both_files_of_a_folder_count_for_a_crawl_as_for_a_deploy(write: Write) -> None:
    folder = write({"scrapy.cfg": "[settings]\ndefault = old.settings\n", "aioscrapy.cfg": "[deploy]\n"})
    assert settings_module() == find_project(folder).settings_module("default") == "old.settings"
    write({"aioscrapy.cfg": "[settings]\ndefault = new.settings\n"})
    assert settings_module() == find_project(folder).settings_module("default") == "new.settings"


def test_values_of_settings_are_interpolated_for_all(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHICH", "news")
    folder = write({"aioscrapy.cfg": "[settings]\nroot = $WHICH\ndefault = %(root)s.settings\n"})
    assert settings_module() == find_project(folder).settings_module("default") == "news.settings"
    write({"aioscrapy.cfg": "[settings]\ndefault = shop.settings\n[deploy]\npassword = 100%\n"})
    assert settings_module() == "shop.settings"  # a password concerns only who needs it


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_is_named(write: Write) -> None:
    folder = write({"aioscrapy.cfg": CFG})
    (folder / "aioscrapy.cfg").chmod(0)
    with pytest.raises(TargetError, match=r"aioscrapy\.cfg can't be read: Permission denied"):
        find_project(folder)


@pytest.fixture
def two(project: Path, write: Write, server: Server) -> Path:
    """Two projects in one folder and one cfg, as Scrapy's manual has it."""
    return write(
        {
            "aioscrapy.cfg": f"""
                [settings]
                default = shop.settings
                news = news.settings

                [deploy]
                url = {server.url}/

                [deploy:shop]
                project = shop

                [deploy:news]
                project = news
            """,
            "news/__init__.py": "",
            "news/settings.py": "SPIDER_MODULES = ['news.spiders']\n",
            "news/spiders/__init__.py": "",
            "news/spiders/headlines.py": SPIDER.replace('"one"', '"headlines"'),
        }
    )


def sent(server: Server) -> dict[str, tuple[str | None, list[str] | None]]:
    """Return project -> settings module and spiders of each egg that has arrived."""
    eggs = {seen.fields["project"].decode(): read_egg(seen.fields["egg"], "it") for seen in server.seen}
    return {
        name: (settings_of_egg(egg.get(ENTRY_POINTS, b"")), recorded_spiders(egg))
        for name, egg in eggs.items()
    }


@pytest.mark.parametrize("by_setup", [False, True])
def test_a_target_gets_the_settings_of_its_project(
    two: Path, write: Write, deploy: Run, server: Server, by_setup: bool
) -> None:
    if by_setup:
        write({"setup.py": SETUP})
    assert deploy("news").status == deploy("shop").status == 0
    assert sent(server) == {"news": ("news.settings", ["headlines"]), "shop": ("shop.settings", ["one"])}


def test_all_targets_get_an_egg_of_their_own_project(two: Path, deploy: Run, server: Server) -> None:
    done = deploy("shop", "news", "-v", "7")
    assert done.status == 0
    assert sent(server) == {"news": ("news.settings", ["headlines"]), "shop": ("shop.settings", ["one"])}
    assert done.err.count("Packing version 7") == 2


def test_the_option_names_the_project(
    two: Path, deploy: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy("shop", "-p", "news").status == 0
    assert deploy("news", "-p", "other").status == 0
    assert sent(server) == {"news": ("news.settings", ["headlines"]), "other": ("shop.settings", ["one"])}
    egg = tmp_path / "it.egg"
    for argv in (["news"], ["-p", "news"]):
        assert deploy("--build-egg", str(egg), *argv).status == 0
        assert recorded_spiders(read_egg(egg.read_bytes(), "it")) == ["headlines"]
    monkeypatch.setenv("SCRAPY_PROJECT", "news")
    assert settings_module() == "news.settings"
    assert deploy("--build-egg", str(egg)).status == 0
    assert recorded_spiders(read_egg(egg.read_bytes(), "it")) == ["headlines"]


def test_settings_that_setup_does_not_pack_are_named(two: Path, write: Write, deploy: Run) -> None:
    write({"setup.py": SETUP.replace("find_packages()", "['shop']")})
    done = deploy("news")
    assert done.status == 1
    assert done.err.endswith(
        "Error: the settings news.settings are not in the egg that setup.py makes: "
        "name the packages in that file\n"
    )
