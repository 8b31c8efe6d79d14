"""`runner list`: which project it lists, and that nothing but names reaches standard output."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from plugin.jobs import RUNNER, SETTINGS, Daemon, make_egg, spider


def test_a_listing_is_one_name_a_line(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("two", "one"), "spiders/b.py": spider("araña")}))
    assert daemon.list() == (0, "araña\none\ntwo\n", "")


def test_a_project_without_spiders_prints_nothing(daemon: Daemon) -> None:
    daemon.store(make_egg())
    assert daemon.list() == (0, "", "")


@pytest.mark.parametrize("group", ["aioscrapy", "scrapy"])
def test_both_groups_of_entry_points_are_read(daemon: Daemon, group: str) -> None:
    daemon.store(
        make_egg({"spiders/a.py": spider("one")}, f"[other]\nx = y\n\n[{group}]\nsettings = bot.settings\n")
    )
    assert daemon.list() == (0, "one\n", "")


def test_the_group_aioscrapy_goes_first(daemon: Daemon) -> None:
    modules = {"ours.py": SETTINGS.replace("spiders", "ours_spiders"), "ours_spiders.py": spider("ours")}
    points = "[scrapy]\nsettings = bot.settings\n[aioscrapy]\nsettings = bot.ours\n"
    daemon.store(make_egg(modules | {"spiders/a.py": spider("theirs")}, points))
    assert daemon.list()[1] == "ours\n"


def test_the_version_that_scrapyd_asks_for_is_listed(daemon: Daemon) -> None:
    for version in ("1_2", "1_10", "r9-main"):
        daemon.store(make_egg({"spiders/a.py": spider(version)}), version=version)
    assert daemon.list(version="1.2")[1] == "1_2\n"  # stored by addversion with version=1.2
    assert daemon.list(version="r9-main")[1] == "r9-main\n"


def test_without_a_version_the_latest_is_listed(daemon: Daemon) -> None:
    for version in ("9", "10"):
        daemon.store(make_egg({"spiders/a.py": spider(version)}), version=version)
    assert daemon.list()[1] == "10\n"


def test_what_spiders_print_at_import_goes_to_standard_error(daemon: Daemon) -> None:
    noisy = """
        import os, subprocess, sys
        print("by print {}")
        sys.stdout.write("without a line break")
        os.write(1, b"by file descriptor\\n")
        subprocess.run(["echo", "by a child"])
        sys.__stdout__.write("by the first stdout\\n")
    """
    daemon.store(
        make_egg(
            {"spiders/a.py": spider("one"), "spiders/b.py": noisy, "settings.py": SETTINGS + "print('x')"}
        )
    )
    status, out, err = daemon.list()
    assert (status, out) == (0, "one\n")
    for text in (
        "x",
        "by print {}",
        "without a line break",
        "by file descriptor",
        "by a child",
        "by the first",
    ):
        assert text in err


def test_a_module_that_prints_and_fails_does_not_disturb_the_list(daemon: Daemon) -> None:
    broken = "print('before')\nraise RuntimeError('nothing works')\n"
    daemon.store(make_egg({"spiders/a.py": spider("one"), "spiders/broken.py": broken}))
    status, out, err = daemon.list()
    assert (status, out) == (0, "one\n")
    assert re.search(r"bot\.spiders\.broken.*RuntimeError: nothing works", err)


def test_what_is_printed_at_exit_does_not_reach_the_list(daemon: Daemon) -> None:
    late = "import atexit\natexit.register(print, 'good bye')\n"
    daemon.store(make_egg({"spiders/a.py": spider("one"), "spiders/b.py": late}))
    assert daemon.list()[1] == "one\n"


def test_logging_of_standard_output_does_not_swallow_the_names(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one"), "settings.py": SETTINGS + "LOG_STDOUT = True\n"}))
    assert daemon.list()[1] == "one\n"


def test_the_egg_goes_before_the_daemons_folder(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("from-egg")}))
    for name in ("bot", "parsel", "configparser"):
        (daemon.folder / f"{name}.py").write_text("raise RuntimeError('shadow')")
    assert daemon.list() == (0, "from-egg\n", "")


def test_the_egg_goes_before_what_is_installed(daemon: Daemon, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "bot").mkdir(parents=True)
    (site / "bot" / "__init__.py").write_text("raise RuntimeError('shadow')")
    daemon.store(make_egg({"spiders/a.py": spider("from-egg")}))
    path = f"{daemon.env['PYTHONPATH']}:{site}"
    assert daemon.list(PYTHONPATH=path) == (0, "from-egg\n", "")


def test_the_egg_goes_before_a_variable_of_the_daemon(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    settings = {"SCRAPY_SETTINGS_MODULE": "absent.settings", "AIOSCRAPY_SETTINGS_MODULE": "absent.settings"}
    assert daemon.list(**settings) == (0, "one\n", "")


def test_data_files_are_files_and_the_distribution_is_found(daemon: Daemon) -> None:
    reader = """
        from importlib.metadata import version
        from pathlib import Path
        from aioscrapy import Spider

        class S(Spider):
            name = (Path(__file__).parents[1] / "data.txt").read_text() + version("bot")
    """
    daemon.store(make_egg({"data.txt": "words-", "spiders/a.py": reader}))
    assert daemon.list() == (0, "words-3.1\n", "")


def test_dependencies_at_the_root_of_the_egg_can_be_imported(daemon: Daemon) -> None:
    path = daemon.store(make_egg({"spiders/a.py": "import bundled\n" + spider("one")}))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("bundled/__init__.py", "")
    assert daemon.list() == (0, "one\n", "")


def test_a_relative_eggs_dir_and_the_order_of_files_are_scrapyds(daemon: Daemon) -> None:
    daemon.configure("[scrapyd]\neggs_dir = from-conf\n")
    (daemon.folder / "home" / ".scrapyd.conf").write_text(
        "[scrapyd]\neggs_dir = %(dbs_dir)s/x\ndbs_dir = store\n"
    )
    daemon.store(make_egg({"spiders/a.py": spider("one")}), eggs="store/x")
    assert daemon.list() == (0, "one\n", "")


def test_another_egg_storage_is_asked(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("in-store")}), eggs="elsewhere")
    daemon.configure("[scrapyd]\neggstorage = our_storage.Storage\n")
    (daemon.folder / "our_storage.py").write_text(
        "class Stream:\n"
        "    def __init__(self, file): self.read, self.close = file.read, file.close\n"
        "class Storage:\n"
        "    def __init__(self, config): self.poll = config.getfloat('poll_interval')\n"
        "    def get(self, project, version=None):\n"
        "        assert self.poll == 5.0\n"
        "        return version, Stream(open(f'elsewhere/{project}/{version}.egg', 'rb'))\n"
    )
    assert daemon.list(version="1") == (0, "in-store\n", "")


def test_the_scrapy_that_an_egg_storage_imports_is_not_that_of_the_spiders(daemon: Daemon) -> None:
    code = "import scrapy\nclass One(scrapy.Spider):\n    name = scrapy.Spider.__module__\n"
    daemon.store(make_egg({"spiders/a.py": code}), eggs="elsewhere")
    daemon.configure("[scrapyd]\neggstorage = our_storage.Storage\n")
    (daemon.folder / "our_storage.py").write_text(
        "import scrapy.spiders, scrapyd.eggstorage\n"
        "class Storage:\n"
        "    def __init__(self, config): assert scrapy.Spider.__module__ == 'scrapy.spiders'\n"
        "    def get(self, project, version=None):\n"
        "        return version, open(f'elsewhere/{project}/{version}.egg', 'rb')\n"
    )
    assert daemon.list(version="1") == (0, "aioscrapy.spiders.spider\n", "")


def test_a_project_of_settings_runs_in_place(daemon: Daemon) -> None:
    daemon.configure("[settings]\np = here.settings\n")
    (daemon.folder / "here").mkdir()
    (daemon.folder / "here" / "settings.py").write_text("SPIDER_MODULES = ['here.spiders']")
    (daemon.folder / "here" / "spiders.py").write_text(spider("in-place"))
    assert daemon.list() == (0, "in-place\n", "")


@pytest.mark.parametrize("cfg", ["aioscrapy.cfg", "scrapy.cfg"])
def test_a_project_of_a_cfg_above_runs_in_place(daemon: Daemon, tmp_path: Path, cfg: str) -> None:
    (tmp_path / cfg).write_text("[settings]\ndefault = other.settings\np = here.settings\n")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "settings.py").write_text("SPIDER_MODULES = ['here.spiders']")
    (tmp_path / "here" / "spiders.py").write_text(spider("in-place"))
    daemon.folder = tmp_path / "below"
    daemon.folder.mkdir()
    assert daemon.list() == (0, "in-place\n", "")
    assert daemon.list(project="q") == (
        1,
        "",
        "aioscrapy: project 'q' has no egg, and no [settings] name it\n",
    )


HEAVY = {"scrapy", "scrapyd", "twisted", "zope", "pkg_resources", "setuptools", "requests", "rich", "aiohttp"}


def test_a_listing_imports_nothing_of_the_daemon_and_no_client(daemon: Daemon) -> None:
    # import_module is not timed: the spider writes down what else was loaded
    write_modules = (
        "import sys\nfrom pathlib import Path\nPath('modules').write_text(' '.join(sys.modules))\n"
    )
    for version in ("1_1", "1_2"):
        daemon.store(make_egg({"spiders/z.py": spider("one") + write_modules}), version=version)
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", RUNNER, "list"],
        cwd=daemon.folder,
        env=daemon.env | {"SCRAPY_PROJECT": "p"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.stdout == "one\n"
    timed = re.findall(r"\|\s+([\w.]+)$", process.stderr, re.MULTILINE)
    loaded = (daemon.folder / "modules").read_text().split()
    assert {"aioscrapy_scrapyd.job.runner"} <= set(timed)
    assert {"aioscrapy_scrapyd.job.runner", "bot.spiders.z"} <= set(loaded)
    assert not HEAVY & {name.partition(".")[0] for name in timed + loaded}
    assert not {"aioscrapy.crawler", "aioscrapy.process", "aioscrapy.cmdline"} & set(timed + loaded)


def test_a_cfg_with_a_byte_order_mark_names_a_project_in_place(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "aioscrapy.cfg").write_text("[settings]\np = here.settings\n", "utf-8-sig")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "settings.py").write_text("SPIDER_MODULES = ['here.spiders']")
    (tmp_path / "here" / "spiders.py").write_text(spider("in-place"))
    assert daemon.list() == (0, "in-place\n", "")
    (tmp_path / "aioscrapy.cfg").write_text("no section\n")
    assert daemon.list() == (
        1,
        "",
        f"aioscrapy: {tmp_path}/aioscrapy.cfg, line 1: a [section] is missing before this line\n",
    )
