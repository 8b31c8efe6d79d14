"""From a folder to an egg: packed directly or by setup.py, its spiders listed, the folder untouched."""

import os
import shutil
import signal
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aioscrapy_deploy.eggs.entry_points import settings_module
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from support import REPOSITORY
from support.deploying import SPIDER, Run, Server, Write

# the seed's, but for its package
SETUP = """
    from setuptools import setup, find_packages

    setup(
        name         = 'project',
        version      = '1.0',
        packages     = find_packages(),
        entry_points = {'aioscrapy': ['settings = shop.settings']},
    )
"""
BOTH = b"[aioscrapy]\nsettings = shop.settings\n\n[scrapy]\nsettings = shop.settings\n"

Build = Callable[[], dict[str, bytes]]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def bare_python() -> list[str]:
    """Return a sys.path with the standard library alone."""
    return [
        path for path in sys.path if "site-packages" not in path and not (Path(path) / "aioscrapy").exists()
    ]


@pytest.fixture
def build(project: Path, deploy: Run, tmp_path: Path) -> Build:
    """Return `build()`: the files of the egg of the current folder."""

    def build() -> dict[str, bytes]:
        done = deploy("--build-egg", str(tmp_path / "it.egg"))
        assert (done.status, done.out, done.err) == (0, "", f"Writing egg to {tmp_path / 'it.egg'}\n")
        return read_egg((tmp_path / "it.egg").read_bytes(), "it")

    return build


def test_a_project_without_setup_is_packed_directly(build: Build) -> None:
    files = build()
    assert files.keys() == {
        *(
            "EGG-INFO/PKG-INFO",
            "EGG-INFO/SOURCES.txt",
            "EGG-INFO/aioscrapy.json",
            "EGG-INFO/dependency_links.txt",
        ),
        *("EGG-INFO/entry_points.txt", "EGG-INFO/not-zip-safe", "EGG-INFO/top_level.txt"),
        *("shop/__init__.py", "shop/settings.py", "shop/spiders/__init__.py", "shop/spiders/one.py"),
    }
    assert files["EGG-INFO/entry_points.txt"] == BOTH
    assert recorded_spiders(files) == ["one"]


def test_the_seed_s_setup_gives_the_same_files_and_both_groups(build: Build, write: Write) -> None:
    directly = build()
    write({"setup.py": SETUP})
    by_setup = build()
    assert by_setup.keys() == directly.keys()
    assert by_setup["EGG-INFO/entry_points.txt"] == BOTH
    assert recorded_spiders(by_setup) == ["one"]


def test_setup_says_what_travels(build: Build, write: Write) -> None:
    write(
        {
            "setup.py": SETUP.replace(
                "entry_points", "package_data = {'shop': ['*.csv']},\n        entry_points"
            )
        }
    )
    write({"shop/a.csv": "1", "shop/a.txt": "1"})
    files = build()
    assert "shop/a.csv" in files
    assert "shop/a.txt" not in files


def test_the_cfg_names_the_settings_where_setup_does_not(build: Build, write: Write) -> None:
    write({"setup.py": SETUP.replace("entry_points = {'aioscrapy': ['settings = shop.settings']},", "")})
    assert build()["EGG-INFO/entry_points.txt"] == BOTH


def test_setup_names_the_settings_where_the_cfg_does_not(build: Build, write: Write) -> None:
    write({"setup.py": SETUP, "aioscrapy.cfg": ""})
    assert settings_module(build()["EGG-INFO/entry_points.txt"]) == "shop.settings"


@pytest.mark.parametrize("own_setup", [True, False])
def test_two_folders_give_the_same_bytes(
    project: Path, write: Write, deploy: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_setup: bool
) -> None:
    if own_setup:
        write({"setup.py": SETUP})
    deploy("--build-egg", str(tmp_path / "first.egg"))
    shutil.copytree(project, tmp_path / "elsewhere")
    for number, path in enumerate(sorted((tmp_path / "elsewhere").rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    (tmp_path / "elsewhere" / "shop" / "settings.py").chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.chdir(tmp_path / "elsewhere")
    deploy("--build-egg", str(tmp_path / "second.egg"))
    assert (tmp_path / "first.egg").read_bytes() == (tmp_path / "second.egg").read_bytes()


def test_neither_the_folder_nor_the_temporary_one_keeps_anything(
    build: Build, project: Path, write: Write, tmp_path: Path
) -> None:
    write({"setup.py": SETUP})
    before = snapshot(project)
    build()
    assert snapshot(project) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_build_from_below_finds_the_project(
    build: Build, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_top = build()
    monkeypatch.chdir(project / "shop" / "spiders")
    assert build() == at_the_top


def test_debug_shows_the_build_on_standard_error_and_keeps_the_folder(
    project: Path, write: Write, deploy: Run, tmp_path: Path
) -> None:
    write({"setup.py": SETUP})
    done = deploy("-d", "--build-egg", str(tmp_path / "it.egg"))
    assert (done.status, done.out) == (0, "")
    assert "running bdist_egg" in done.err
    (kept,) = (tmp_path / "tmp").iterdir()
    assert f"Output dir not removed: {kept}\n" in done.err
    assert (kept / "project.egg").read_bytes() == (tmp_path / "it.egg").read_bytes()


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ("import nonesuch\n", "ModuleNotFoundError: No module named 'nonesuch'"),
        ("raise SystemExit('not today')\n", "not today"),
        (
            SETUP.replace("find_packages()", "['nonesuch']"),
            "error: package directory 'nonesuch' does not exist",
        ),
        ("x = (\n", "SyntaxError: '(' was never closed"),
        ("import sys; sys.exit(3)\n", "exit status 3"),
        ("", "it has made no egg"),
    ],
)
def test_a_build_that_fails_says_why(
    project: Path, write: Write, deploy: Run, server: Server, tmp_path: Path, setup: str, reason: str
) -> None:
    write({"setup.py": setup})
    done = deploy("local", "-v", "7")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"Packing version 7\nError: setup.py failed: {reason}\n"
    assert server.seen == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_missing_setuptools_is_one_line(
    project: Path, write: Write, deploy: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write({"setup.py": SETUP})
    (tmp_path / "without" / "setuptools.py").parent.mkdir()
    (tmp_path / "without" / "setuptools.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'setuptools'\")\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[1:] == [
        f"Error: setup.py failed: it needs setuptools, which {sys.executable} does not have"
    ]


BROKEN = {
    "settings": ({"shop/settings.py": "X = 1\nimport nonesuch\n"}, "shop/settings.py:2: ModuleNotFoundError"),
    "syntax": (
        {"shop/spiders/one.py": "\n\nx = (\n"},
        "shop/spiders/one.py:3: SyntaxError: '(' was never closed",
    ),
    "import": ({"shop/spiders/one.py": "import nonesuch\n"}, "shop/spiders/one.py:1: ModuleNotFoundError"),
    "raises": ({"shop/spiders/__init__.py": "1 / 0\n"}, "shop/spiders/__init__.py:1: ZeroDivisionError"),
    "exits": ({"shop/settings.py": "raise SystemExit(0)\n"}, "shop/settings.py:1: SystemExit: 0"),
    "deep": (
        {"shop/spiders/one.py": "from shop import tools\n", "shop/tools.py": "\nint('x')\n"},
        "shop/tools.py:2: ValueError: invalid literal",
    ),
    "elsewhere": ({"shop/spiders/one.py": "import loose\n", "loose.py": ""}, "shop/spiders/one.py:1: "),
    "no module": ({"shop/settings.py": "SPIDER_MODULES = ['shop.spidres']\n"}, "shop.spidres"),
    "ends Python": ({"shop/settings.py": "import os\nos._exit(9)\n"}, "exit status 9"),
}


@pytest.mark.parametrize(("files", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_broken_project_is_reported_with_file_and_line_and_not_sent(
    project: Path,
    write: Write,
    deploy: Run,
    server: Server,
    tmp_path: Path,
    files: dict[str, str],
    expected: str,
) -> None:
    write(files)
    done = deploy("local", "-v", "7")
    assert (done.status, done.out) == (1, "")
    first, *rest = done.err.splitlines()
    assert first == "Packing version 7"
    assert len(rest) == 1
    assert rest[0].startswith("Error: the project")
    assert expected in rest[0]
    assert server.seen == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_setup_that_is_a_link_out_of_the_project_is_refused(
    project: Path, deploy: Run, tmp_path: Path
) -> None:
    (tmp_path / "setup.py").write_text(SETUP)
    (project / "setup.py").symlink_to(tmp_path / "setup.py")
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    assert done.status == 1
    assert done.err.startswith("Error: setup.py is a link that leads out of the project")


def test_one_broken_module_of_several_is_a_warning(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write({"shop/spiders/two.py": "\nimport nonesuch\n"})
    done = deploy("local", "-v", "7")
    assert done.status == 0
    assert (
        "Warning: a spider module is left out: shop/spiders/two.py:2: "
        "ModuleNotFoundError: No module named 'nonesuch'\n"
    ) in done.err
    assert recorded_spiders(read_egg(server.seen[0].fields["egg"], "it")) == ["one"]


def test_output_of_an_import_is_not_a_spider(build: Build, write: Write) -> None:
    write({"shop/spiders/one.py": f"print('two')\n{SPIDER}"})
    assert recorded_spiders(build()) == ["one"]


def test_a_thread_that_a_project_starts_does_not_hold_the_build(build: Build, write: Write) -> None:
    write(
        {
            "shop/settings.py": """
                import threading
                SPIDER_MODULES = ['shop.spiders']
                threading.Thread(target=threading.Event().wait).start()
            """
        }
    )
    assert recorded_spiders(build()) == ["one"]


@pytest.mark.parametrize("file", ["shop/settings.py", "setup.py"])
def test_a_process_that_a_project_leaves_behind_does_not_hold_the_build(
    build: Build, write: Write, file: str, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    source = f"""
        import subprocess
        from setuptools import setup, find_packages
        with open({str(pid_file)!r}, "w") as file:
            file.write(str(subprocess.Popen(["sleep", "60"]).pid))
    """
    end = 'setup(name="shop", version="1", packages=find_packages())' if file == "setup.py" else ""
    write({file: f"{source}        {end}\n        SPIDER_MODULES = ['shop.spiders']\n"})
    try:
        assert recorded_spiders(build()) == ["one"]
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)  # it still runs


def test_data_beside_the_modules_can_be_read_while_spiders_are_listed(build: Build, write: Write) -> None:
    write({"shop/spiders/name.txt": "one", "shop/spiders/one.py": SPIDER.replace('"one"', "NAME")})
    text = (Path("shop/spiders/one.py")).read_text()
    Path("shop/spiders/one.py").write_text(
        "from pathlib import Path\nNAME = Path(__file__).with_name('name.txt').read_text()\n" + text
    )
    assert recorded_spiders(build()) == ["one"]


def test_a_project_without_spiders_is_a_warning(
    project: Path, write: Write, deploy: Run, tmp_path: Path
) -> None:
    write({"shop/spiders/one.py": ""})
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    assert done.status == 0
    assert done.err.startswith("Warning: the project has no spiders")


def test_a_project_without_a_settings_module_is_reported(project: Path, write: Write, deploy: Run) -> None:
    write({"aioscrapy.cfg": "[deploy]\nurl = http://127.0.0.1:1\nproject = shop\n"})
    done = deploy()
    assert done.status == 1
    assert "no [settings] default = PACKAGE.settings in the aioscrapy.cfg of " in done.err


def test_without_aioscrapy_the_server_lists_alone(
    project: Path, deploy: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", bare_python())
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    assert done.status == 0
    assert done.err.startswith("Note: spiders are not listed before the upload: aioscrapy-scrapyd can't be ")
    assert recorded_spiders(read_egg((tmp_path / "it.egg").read_bytes(), "it")) is None


def test_a_scrapy_project_without_scrapy_is_listed_by_the_server_alone(
    project: Path, write: Write, deploy: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (project / "aioscrapy.cfg").rename(project / "scrapy.cfg")
    write({"shop/spiders/one.py": "import scrapy\n"})
    monkeypatch.setattr(sys, "path", [*bare_python(), str(REPOSITORY)])
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    assert done.status == 0
    assert done.err.startswith(
        "Note: spiders are not listed before the upload: Scrapy can't be imported here\n"
    )


def test_dependencies_are_installed_into_the_egg(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write(
        {
            "requirements.txt": "./extra-2-py3-none-any.whl\n",
            "shop/spiders/one.py": "from extra import NAME\n" + SPIDER.replace('"one"', "NAME"),
        }
    )
    with zipfile.ZipFile(project / "extra-2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("extra.py", "NAME = 'one'\n")
        wheel.writestr("extra-2.dist-info/METADATA", "Metadata-Version: 2.1\nName: extra\nVersion: 2\n")
        wheel.writestr(
            "extra-2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("extra-2.dist-info/RECORD", "extra.py,,\n")
    before = snapshot(project)
    done = deploy("local", "-v", "7", "--include-dependencies")
    assert done.err.splitlines()[:2] == ["Packing version 7", "Including dependencies from requirements.txt"]
    assert done.status == 0, done.err
    files = read_egg(server.seen[0].fields["egg"], "it")
    assert {name for name in files if name.startswith("extra")} >= {"extra.py", "extra-2.dist-info/METADATA"}
    assert not [name for name in files if name.endswith(("RECORD", "direct_url.json", ".pyc"))]
    assert recorded_spiders(files) == ["one"]
    assert snapshot(project) == before


def test_missing_requirements_are_reported(project: Path, deploy: Run, server: Server) -> None:
    done = deploy("local", "-v", "7", "--include-dependencies")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[1:] == [
        "Including dependencies from requirements.txt",
        "Error: Missing requirements.txt",
    ]


def test_a_requirement_that_cannot_be_installed_is_reported(project: Path, write: Write, deploy: Run) -> None:
    write({"requirements.txt": "./nonesuch\n"})
    done = deploy("local", "--include-dependencies")
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith("Error: pip failed: ERROR: ")
    assert "nonesuch" in done.err
