"""A platform in pip's words: which wheels fit, and which markers hold there."""

import pytest

from aioscrapy_deploy.build.platforms import HERE, Platform
from aioscrapy_deploy.errors import TargetError


def tags(name: str) -> list[str]:
    options = Platform(name).pip_options()
    return [option.removeprefix("--platform=") for option in options if option.startswith("--platform=")]


def test_here_needs_no_option() -> None:
    assert (HERE.pip_options(), HERE.markers(), HERE.record()) == ([], {}, {})


@pytest.mark.parametrize("name", ["manylinux2014_x86_64", "manylinux_2_17_x86_64"])
def test_a_linux_takes_wheels_for_older_ones_under_both_their_names(name: str) -> None:
    assert tags(name)[:2] == ["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert tags(name)[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
    assert "manylinux_2_18_x86_64" not in tags(name)


def test_musl_is_another_family() -> None:
    assert tags("musllinux_1_2_aarch64") == [f"musllinux_1_{minor}_aarch64" for minor in (2, 1, 0)]


@pytest.mark.parametrize("name", ["macosx_11_0_arm64", "win_amd64", "win32", "linux_x86_64"])
def test_other_names_stand_for_themselves(name: str) -> None:
    assert tags(name) == [name]


@pytest.mark.parametrize(
    ("name", "system", "machine"),
    [
        ("manylinux1_i686", ("linux", "Linux", "posix"), "i686"),
        ("musllinux_1_2_aarch64", ("linux", "Linux", "posix"), "aarch64"),
        ("macosx_11_0_arm64", ("darwin", "Darwin", "posix"), "arm64"),
        ("win_amd64", ("win32", "Windows", "nt"), "AMD64"),
        ("win32", ("win32", "Windows", "nt"), "x86"),
    ],
)
def test_markers_are_those_of_the_platform(name: str, system: tuple[str, str, str], machine: str) -> None:
    there = Platform(name).markers()
    assert (there["sys_platform"], there["platform_system"], there["os_name"]) == system
    assert there["platform_machine"] == machine
    assert "python_version" not in there


@pytest.mark.parametrize(("version", "whole"), [("3.11", "3.11.0"), ("3.11.7", "3.11.7")])
def test_a_python_has_its_two_versions(version: str, whole: str) -> None:
    there = Platform(python=version).markers()
    assert (there["python_version"], there["python_full_version"]) == ("3.11", whole)
    assert "sys_platform" not in there


@pytest.mark.parametrize(
    "name", ["", "linux", "debian", "manylinux", "macosx_arm64", "win_arm", "a b", "../x"]
)
def test_a_platform_that_pip_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(TargetError, match="the platform must have the form"):
        Platform(name)


@pytest.mark.parametrize("version", ["3", "2.7", "311", "3.11rc1", "", "3.x"])
def test_a_wrong_version_of_python_is_refused(version: str) -> None:
    with pytest.raises(TargetError, match=r"must have the form 3\.11"):
        Platform(python=version)
