"""Eggs that no build makes are refused in one line, and leave no file."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aioscrapy_scrapyd.job.exceptions import EggError
from aioscrapy_scrapyd.job.unpacking import extract, folder_name
from plugin.jobs import Daemon, make_egg, spider

LIMIT = 1 << 30


def with_entry(name: str, data: bytes = b"", mode: int = stat.S_IFREG | 0o644) -> io.BytesIO:
    """Return the egg `bot` with one more entry."""
    egg = io.BytesIO(make_egg({"spiders/a.py": spider("one")}))
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(egg, "a") as archive:
        archive.writestr(entry, data)
    return egg


@pytest.mark.parametrize(
    "name", ["../outside", "bot/../../outside", "/outside", "//outside", "C:/outside", "C:outside", ".."]
)
def test_a_file_outside_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EggError, match="outside of its folder"):
        extract(with_entry(name), tmp_path / "egg", LIMIT)
    assert [path.name for path in tmp_path.rglob("*")] == ["egg"]


@pytest.mark.parametrize("target", [b"/etc/passwd", b"bot/settings.py", b"../.."])
def test_a_symbolic_link_is_refused(tmp_path: Path, target: bytes) -> None:
    with pytest.raises(EggError, match=r"a symbolic link: 'bot/link'"):
        extract(with_entry("bot/link", target, stat.S_IFLNK | 0o777), tmp_path / "egg", LIMIT)


def test_more_than_the_limit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    egg = with_entry("bot/data", bytes(range(256)) * 4096)
    with pytest.raises(EggError, match=r"has 1 MiB of files.*unpacked_egg_max_mb"):
        extract(egg, tmp_path / "egg", 1 << 20)
    assert not list((tmp_path / "egg").iterdir())


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    egg = io.BytesIO()
    with zipfile.ZipFile(egg, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(7):
            archive.writestr(f"bot/{number}", bytes(10 << 20))
    with pytest.raises(EggError, match="zip bomb"):
        extract(egg, tmp_path / "egg", LIMIT)


def test_a_file_of_zeros_is_no_bomb(tmp_path: Path) -> None:
    extract(with_entry("bot/model.bin", bytes(20 << 20)), tmp_path / "egg", LIMIT)
    assert (tmp_path / "egg" / "bot" / "model.bin").stat().st_size == 20 << 20


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    egg = io.BytesIO()
    with zipfile.ZipFile(egg, "w") as archive:
        for number in range(100_001):
            archive.writestr(str(number), b"")
    with pytest.raises(EggError, match="100,001 files"):
        extract(egg, tmp_path / "egg", LIMIT)


def lie_about_size(data: bytes) -> bytes:
    """Change the size of the last file in the directory to one byte."""
    at = data.rindex(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<L", 1) + data[at + 4 :]


def encrypt_flag(data: bytes) -> bytes:
    at = data.rindex(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", 1) + data[at + 2 :]


@pytest.mark.parametrize("change", [lie_about_size, encrypt_flag])
def test_a_directory_that_lies_is_damage(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    egg = io.BytesIO(change(with_entry("bot/data", bytes(1 << 20)).getvalue()))
    with pytest.raises(EggError, match="damaged"):
        extract(egg, tmp_path / "egg", LIMIT)
    assert sum(path.stat().st_size for path in tmp_path.rglob("data")) <= 1


def test_only_the_beginning_of_pkg_info_is_read() -> None:
    egg = io.BytesIO()
    with zipfile.ZipFile(egg, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EGG-INFO/PKG-INFO", b"Name: big\n" + bytes(60 << 20))
    assert folder_name(egg).startswith("big-")


def test_scrapyd_gets_the_refusal_in_one_line(daemon: Daemon) -> None:
    daemon.store(with_entry("../\x1b[31mred").getvalue())
    status, out, err = daemon.list()
    assert (status, out) == (1, "")
    assert err == "aioscrapy: the egg has a file outside of its folder: '../\\x1b[31mred'\n"
    assert not list(daemon.cache.glob("*"))


def test_the_limit_stands_in_scrapyd_conf(daemon: Daemon) -> None:
    daemon.store(with_entry("bot/data", bytes(3 << 20)).getvalue())
    daemon.configure("[scrapyd]\nunpacked_egg_max_mb = 2\n")
    assert "at most 2 MiB are unpacked (unpacked_egg_max_mb in scrapyd.conf)" in daemon.list()[2]
    daemon.configure("[scrapyd]\nunpacked_egg_max_mb = -2\n")
    assert "unpacked_egg_max_mb: '-2' is not a number of at least 0" in daemon.list()[2]
