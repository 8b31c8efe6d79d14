"""What a project needs beside itself: in the egg, for the server's platform; or a line about it."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from support.deploying import SPIDER, Run, Server, Write

SETUP = """
    from setuptools import setup, find_packages
    setup(name='shop', version='1', packages=find_packages(), install_requires=['extra >= 1'])
"""
X86 = ("--platform", "manylinux2014_x86_64", "--python-version", "3.12")
LINUX = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"
FAST = SPIDER.replace('"one"', "NAME")


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place in which pip finds anything: `extra` for everywhere, `fast` for Linux and Windows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    make_wheel(folder, "extra", "1")
    make_wheel(folder, "extra", "2")
    needs = ["extra<2", "forwindows; sys_platform == 'win32'", "forold; python_version < '3.13'"]
    make_wheel(folder, "fast", "3", LINUX, needs)
    make_wheel(folder, "fast", "3", "cp312-cp312-win_amd64", needs)
    make_wheel(folder, "fast", "3", "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", needs)
    make_wheel(folder, "forwindows", "1")
    make_wheel(folder, "forold", "1")
    return folder


def make_wheel(
    folder: Path, name: str, version: str, tags: str = "py3-none-any", needs: list[str] | None = None
) -> None:
    compiled = "none" not in tags
    metadata = f"Metadata-Version: 2.1\nName: {name.title()}\nVersion: {version}\n"
    files = {
        f"{name}/__init__.py": f"from {name}.native import NAME\n" if compiled else "NAME = 'one'\n",
        f"{name}/data.txt": f"{name} {version} {tags}",
        f"{name}-{version}.dist-info/METADATA": metadata
        + "".join(f"Requires-Dist: {need}\n" for need in needs or []),
    }
    if compiled:
        files[f"{name}/native.so"] = "not for here"
    python, abi, platforms = tags.split("-")
    lines = "".join(f"Tag: {python}-{abi}-{platform}\n" for platform in platforms.split("."))
    info = f"{name}-{version}.dist-info"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(not compiled).lower()}\n{lines}"
    with zipfile.ZipFile(folder / f"{name}-{version}-{tags}.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in files))


@pytest.fixture
def egg(project: Path, deploy: Run, tmp_path: Path) -> Run:
    """Return `egg(*options)`: the files of an egg with dependencies, and what its record says."""

    def egg(*options: str) -> Any:
        done = deploy("--include-dependencies", *options, "--build-egg", str(tmp_path / "it.egg"))
        assert done.status == 0, done.err
        described = deploy("--show", str(tmp_path / "it.egg"), "--json")
        return read_egg((tmp_path / "it.egg").read_bytes(), "it"), json.loads(described.out), done.err

    return egg


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "# ours\nextra>=1\naioscrapy-scrapyd[x] \\\n  >= 0.1\n"),
        ("pyproject.toml", "[project]\nname = 'shop'\ndependencies = ['extra>=1', 'aioscrapy_scrapyd']\n"),
        ("setup.py", SETUP.replace("'extra", "'aioscrapy-scrapyd', 'extra")),
    ],
)
def test_what_a_project_needs_is_pinned_and_put_in(egg: Run, write: Write, file: str, text: str) -> None:
    write({file: text, "shop/spiders/one.py": "from extra import NAME\n" + FAST})
    files, about, said = egg()
    assert said.startswith(f"Including dependencies from {file}\n")
    assert about["dependencies"] == ["extra==2"]
    assert files["extra/data.txt"] == b"extra 2 py3-none-any"
    assert about["spiders"] == ["one"]
    assert about["platform"] is about["python_version"] is None


def test_requirements_txt_goes_before_the_metadata(egg: Run, write: Write) -> None:
    write({"requirements.txt": "extra<2\n", "pyproject.toml": "[project]\ndependencies = ['extra>=2']\n"})
    assert egg()[1]["dependencies"] == ["extra==1"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_windows_editor_s_requirements_are_read(egg: Run, project: Path, encoding: str) -> None:
    (project / "requirements.txt").write_bytes("extra<2\r\n".encode(encoding))
    assert egg()[1]["dependencies"] == ["extra==1"]


def test_requirements_in_no_known_encoding_do_not_end_a_deploy(project: Path, deploy: Run) -> None:
    (project / "requirements.txt").write_bytes(b"# caf\xe9\nextra\n")
    done = deploy("local")
    assert done.status == 0
    assert "Note: the server must have extra " in done.err


def test_a_project_that_needs_nothing_gets_nothing(egg: Run, write: Write) -> None:
    write({"pyproject.toml": "[project]\nname = 'shop'\ndependencies = []\n"})
    assert egg()[1]["dependencies"] == []


@pytest.mark.parametrize("file", ["setup.py", "pyproject.toml"])
def test_metadata_without_requirements_does_not_count_as_requirements(
    project: Path, write: Write, deploy: Run, file: str
) -> None:
    write({file: "" if file == "pyproject.toml" else SETUP.replace(", install_requires=['extra >= 1']", "")})
    done = deploy("local", "-v", "7", "--include-dependencies")
    assert done.status == 1
    assert done.err.splitlines()[1:] == [
        f"Including dependencies from {file}",
        "Error: Missing requirements.txt",
    ]


@pytest.mark.parametrize(
    ("options", "tags", "pins"),
    [
        (X86, LINUX, ["extra==1", "fast==3", "forold==1"]),
        (
            ("--platform", "win_amd64", "--python-version", "3.12.4"),
            "cp312-cp312-win_amd64",
            ["extra==1", "fast==3", "forold==1", "forwindows==1"],
        ),
        (
            ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.13"),
            "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64",
            ["extra==1", "fast==3"],
        ),
    ],
    ids=["linux", "windows", "newer"],
)
def test_wheels_and_markers_are_those_of_the_server(
    egg: Run, write: Write, options: tuple[str, ...], tags: str, pins: list[str]
) -> None:
    write({"requirements.txt": "fast\n"})
    files, about, _ = egg(*options)
    assert about["dependencies"] == pins
    assert files["fast/data.txt"].decode() == f"fast 3 {tags}"
    assert (about["platform"], about["python_version"]) == (options[1], options[3])
    assert about["spiders"] == ["one"]


def test_a_target_names_its_platform(project: Path, write: Write, deploy: Run, server: Server) -> None:
    write({"requirements.txt": "fast\n"})
    with Path("aioscrapy.cfg").open("a") as cfg:
        cfg.write("platform = manylinux2014_x86_64\npython_version = 3.12\n")
    assert deploy("local", "--include-dependencies").status == 0
    files = read_egg(server.seen[0].fields["egg"], "it")
    assert files["fast/data.txt"].decode() == f"fast 3 {LINUX}"
    assert deploy("local", "--include-dependencies", "--python-version", "3.13").status == 0
    assert b"cp313" in read_egg(server.seen[1].fields["egg"], "it")["fast/data.txt"]
    assert deploy("local").status == 0  # a target's keys alone ask for nothing


def test_spiders_that_need_what_is_not_for_here_are_listed_by_the_server(egg: Run, write: Write) -> None:
    write({"requirements.txt": "fast\n", "shop/spiders/one.py": "from fast import NAME\n" + FAST})
    files, _, said = egg(*X86)
    assert "Note: spiders are not listed before the upload: fast in the egg is for another platform\n" in said
    assert recorded_spiders(files) is None


def test_a_broken_project_is_detected_for_every_platform(project: Path, write: Write, deploy: Run) -> None:
    write({"requirements.txt": "fast\n", "shop/spiders/one.py": "import nonesuch\n"})
    done = deploy("local", "--include-dependencies", *X86)
    assert done.status == 1
    assert done.err.endswith(
        "shop/spiders/one.py:1: ModuleNotFoundError: No module named 'nonesuch' "
        "(--no-check deploys without this check)\n"
    )


@pytest.mark.parametrize(
    ("requirements", "options", "expected"),
    [
        (
            "fast\n",
            ("--platform", "macosx_11_0_arm64"),
            "Error: fast has no wheel for macosx_11_0_arm64, as far as pip can see",
        ),
        (
            "fast==9\n",
            X86,
            "Error: fast==9 has no wheel for manylinux2014_x86_64 and Python 3.12, as far as pip can see",
        ),
        ("extra==9\n", (), "Error: pip failed: ERROR: No matching distribution found for extra==9"),
        ("extra==1\nextra==2\n", (), "Error: pip failed: ERROR: "),
        ("", ("--platform", "linux"), "Error: the platform must have the form manylinux2014_x86_64, "),
        ("", ("--python-version", "2.7"), "Error: the Python version must have the form 3.11, not '2.7'"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    project: Path,
    write: Write,
    deploy: Run,
    server: Server,
    requirements: str,
    options: tuple[str, ...],
    expected: str,
) -> None:
    write({"requirements.txt": requirements})
    done = deploy("local", "-v", "7", "--include-dependencies", *options)
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith(expected)
    assert len(done.err.splitlines()) <= 3
    assert server.seen == []


def test_a_platform_without_dependencies_is_an_error(project: Path, deploy: Run) -> None:
    expected = "Error: --platform and --python-version need --include-dependencies\n"
    assert deploy("local", *X86).err == expected


def test_targets_of_different_platforms_do_not_get_one_egg(project: Path, write: Write, deploy: Run) -> None:
    write({"requirements.txt": "extra\n"})
    with Path("aioscrapy.cfg").open("a") as cfg:
        cfg.write("python_version = 3.12\n[deploy:b]\nurl = http://127.0.0.1:1\nproject = shop\n")
    done = deploy("local", "b", "--include-dependencies")
    assert done.status == 1
    assert done.err.startswith("Error: the targets get one egg, but differ in platform or python_version")


def test_dependencies_that_are_not_packed_are_named_before_the_upload(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write(
        {"requirements.txt": "aioscrapy-scrapyd\nlxml  # has it\n-r more.txt\nattrs >= 20  # ours\n\nextra\n"}
    )
    done = deploy("local", "-v", "7")
    assert done.status == 0
    assert done.err.splitlines()[1] == (
        "Note: the server must have attrs >= 20, extra "
        "(requirements.txt; --include-dependencies puts it into the egg)"
    )


def test_dependencies_of_the_crawler_are_not_named(project: Path, write: Write, deploy: Run) -> None:
    write({"pyproject.toml": "[project]\ndependencies = ['aioscrapy-scrapyd', 'lxml>=5', 'Redis']\n"})
    assert "Note" not in deploy("local").err


def test_the_same_dependencies_give_the_same_bytes(
    project: Path, write: Write, deploy: Run, tmp_path: Path, wheels: Path
) -> None:
    write({"requirements.txt": "fast\n"})
    eggs = [tmp_path / f"{number}.egg" for number in range(2)]
    for path in eggs:
        assert deploy("--include-dependencies", *X86, "--build-egg", str(path)).status == 0
    assert eggs[0].read_bytes() == eggs[1].read_bytes()
    for word in (str(tmp_path), sys.prefix):
        assert word.encode() not in eggs[0].read_bytes()
