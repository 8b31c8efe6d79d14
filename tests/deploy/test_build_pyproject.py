"""Projects with a pyproject.toml alone: built by their own backend, or packed as they lie there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aioscrapy_deploy.build.wheel import egg_files
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from aioscrapy_deploy.errors import BuildError
from support.deploying import Run, Write

# a backend of the project's own: pip needs nothing from an index
OWN = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
BACKEND = """
    import zipfile

    def build_wheel(directory, settings=None, metadata=None):
        info = "my_shop-3.dist-info/"
        with zipfile.ZipFile(f"{directory}/my_shop-3-py3-none-any.whl", "w") as wheel:
            for name in ("__init__.py", "settings.py", "spiders/__init__.py", "spiders/one.py"):
                wheel.write(f"shop/{name}")
            wheel.writestr("my_shop-3.data/purelib/shop/extra.txt", "extra")
            wheel.writestr("my_shop-3.data/scripts/run.py", "#!python")
            wheel.writestr(f"{info}METADATA", "Metadata-Version: 2.1\\nName: my-shop\\nVersion: 3\\n"
                "Requires-Dist: idna>=2\\nRequires-Dist: attrs; extra == 'x'\\n\\nLong text")
            wheel.writestr(f"{info}WHEEL",
                "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr(f"{info}entry_points.txt", "[console_scripts]\\nshop = shop:main\\n")
            wheel.writestr(f"{info}RECORD", "")
        return "my_shop-3-py3-none-any.whl"
"""
SETUPTOOLS = """
    [build-system]
    requires = ["setuptools>=75"]
    build-backend = "setuptools.build_meta"
    [project]
    name = "my-shop"
    version = "3"
    dependencies = ["idna >= 2"]
    [project.entry-points.aioscrapy]
    settings = "shop.settings"
"""

Build = Callable[[], dict[str, bytes]]


@pytest.fixture
def build(project: Path, deploy: Run, tmp_path: Path) -> Build:
    """Return `build()`: the files of the egg of the current folder."""

    def build() -> dict[str, bytes]:
        done = deploy("--build-egg", str(tmp_path / "it.egg"))
        assert done.status == 0, done.err
        return read_egg((tmp_path / "it.egg").read_bytes(), "it")

    return build


def about(files: dict[str, bytes]) -> list[str]:
    return files["EGG-INFO/PKG-INFO"].decode().splitlines()


def test_settings_of_tools_alone_change_nothing(build: Build, write: Write) -> None:
    without = build()
    write({"pyproject.toml": "[tool.ruff]\nline-length = 110\n"})
    assert build() == without


def test_a_project_without_a_build_system_is_packed_with_its_metadata(build: Build, write: Write) -> None:
    write(
        {
            "pyproject.toml": """
                [project]
                name = "my-shop"
                version = "3"
                description = "Prices"
                requires-python = ">=3.11"
                dependencies = ["idna >= 2", "aiohttp"]
            """,
            "shop/prices.csv": "1",
            "data/__init__.py": "",  # setuptools would refuse two packages side by side
        }
    )
    files = build()
    assert about(files) == [
        "Metadata-Version: 2.1",
        "Name: my-shop",
        "Version: 3",
        "Summary: Prices",
        "Requires-Python: >=3.11",
        "Requires-Dist: aiohttp",
        "Requires-Dist: idna>=2",
    ]
    assert files.keys() >= {"shop/prices.csv", "data/__init__.py"}
    assert recorded_spiders(files) == ["one"]


def test_a_backend_builds_what_travels(build: Build, write: Write) -> None:
    write({"pyproject.toml": OWN, "own.py": BACKEND, "shop/loose.txt": ""})
    files = build()
    assert {name for name in files if not name.startswith("EGG-INFO/")} == {
        *("shop/__init__.py", "shop/settings.py", "shop/spiders/__init__.py", "shop/spiders/one.py"),
        "shop/extra.txt",
    }
    assert about(files) == [
        *("Metadata-Version: 2.1", "Name: my-shop", "Version: 3"),
        *('Requires-Dist: attrs; extra == "x"', "Requires-Dist: idna>=2"),
    ]
    assert files["EGG-INFO/entry_points.txt"].decode().split("\n\n") == [
        "[aioscrapy]\nsettings = shop.settings",
        "[console_scripts]\nshop = shop:main",
        "[scrapy]\nsettings = shop.settings\n",
    ]
    assert files["EGG-INFO/top_level.txt"] == b"shop\n"
    assert recorded_spiders(files) == ["one"]


@pytest.mark.parametrize("backend", ["setuptools", "hatchling"])
@pytest.mark.timeout(300)
def test_a_backend_from_an_index_gives_the_same_bytes_in_two_folders(
    project: Path, write: Write, deploy: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    text = SETUPTOOLS
    if backend == "setuptools":
        text += '    [tool.setuptools]\n    packages = ["shop", "shop.spiders"]\n'
        text += '    [tool.setuptools.package-data]\n    shop = ["*.csv"]\n'
    else:
        text = text.replace("setuptools>=75", "hatchling").replace("setuptools.build_meta", "hatchling.build")
        text += '    [tool.hatch.build.targets.wheel]\n    packages = ["shop"]\n'
    write({"pyproject.toml": text, "shop/prices.csv": "1", "README.md": "x"})
    before = {path for path in project.rglob("*") if path.is_file()}
    assert deploy("--build-egg", str(tmp_path / "first.egg")).status == 0
    assert {path for path in project.rglob("*") if path.is_file()} == before
    shutil.copytree(project, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert deploy("--build-egg", str(tmp_path / "second.egg")).status == 0
    data = (tmp_path / "first.egg").read_bytes()
    assert data == (tmp_path / "second.egg").read_bytes()
    files = read_egg(data, "it")
    assert files["shop/prices.csv"] == b"1"
    assert about(files)[:3] == ["Metadata-Version: 2.1", "Name: my-shop", "Version: 3"]
    assert recorded_spiders(files) == ["one"]


@pytest.mark.timeout(300)
def test_a_backend_without_a_list_of_packages_packs_the_only_one(build: Build, write: Write) -> None:
    write({"pyproject.toml": SETUPTOOLS, "aioscrapy.cfg": ""})
    files = build()
    assert recorded_spiders(files) == ["one"]
    assert files["EGG-INFO/top_level.txt"] == b"shop\n"


def test_packages_below_src_are_packed(build: Build, write: Write, project: Path) -> None:
    shutil.move(project / "shop", project / "src" / "shop")
    write(
        {
            "pyproject.toml": OWN,
            "own.py": BACKEND.replace('f"shop/{name}"', 'f"src/shop/{name}", f"shop/{name}"'),
        }
    )
    assert recorded_spiders(build()) == ["one"]


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (
            "def build_wheel(*_):\n    raise ValueError('Unable to tell\\n\\nA hint')\n",
            "ValueError: Unable to tell",
        ),
        ("def build_wheel(*_):\n    raise SystemExit('not today')\n", "not today"),
        ("import nonesuch\n", "ModuleNotFoundError: No module named 'nonesuch'"),
    ],
)
def test_a_backend_that_fails_says_why(
    project: Path, write: Write, deploy: Run, backend: str, reason: str
) -> None:
    write({"pyproject.toml": OWN, "own.py": backend})
    done = deploy("local", "-v", "7")
    assert (done.status, done.out) == (1, "")
    first, second = done.err.splitlines()
    assert first == "Packing version 7"
    assert second.startswith("Error: pyproject.toml failed: ")
    assert reason in second


def test_a_wheel_without_the_settings_is_an_error(project: Path, write: Write, deploy: Run) -> None:
    write({"pyproject.toml": OWN, "own.py": BACKEND.replace('wheel.write(f"shop/{name}")', "pass")})
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[-1] == (
        "Error: the settings shop.settings are not in the wheel that pyproject.toml makes: "
        "name the packages in that file"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[project\n", "Expected ']' at the end of a table declaration"),
        ("project = 1\n", "its [project] dependencies are not a list of texts"),
        ("[project]\ndependencies = 'idna'\n", "its [project] dependencies are not a list of texts"),
        ("[project]\ndependencies = ['idna ==']\n", "dependency 'idna ==': "),
    ],
)
def test_a_pyproject_that_cannot_be_read_is_one_line(
    project: Path, write: Write, deploy: Run, text: str, reason: str
) -> None:
    write({"pyproject.toml": text})
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[1].startswith(f"Error: pyproject.toml can't be read: {reason}")
    assert len(done.err.splitlines()) == 2


def test_a_file_that_is_not_a_wheel_is_refused() -> None:
    with pytest.raises(BuildError, match="its backend did not build a wheel"):
        egg_files({"shop.py": b""})
