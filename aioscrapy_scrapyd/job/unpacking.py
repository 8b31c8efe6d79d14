"""Unpacks an egg into a folder, within limits: an egg may come from anybody who may deploy."""

import errno
import hashlib
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from aioscrapy_scrapyd.job.exceptions import EggError

_FILES = 100_000  # files and folders in an egg at most
_RATIO = 200  # unpacked bytes for each byte of the egg at most
_RATIO_FROM = 64 << 20  # bytes below which any ratio is accepted: a file of zeros packs 1,000 to 1
_INFO_LIMIT = 1 << 16  # bytes of PKG-INFO that are read for the name


@contextmanager
def rewindable(egg: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the egg, or a copy if it is a stream, as storages in the network return it."""
    if getattr(egg, "seekable", bool)():
        yield egg
        return
    with tempfile.SpooledTemporaryFile(max_size=1 << 23) as copy:
        shutil.copyfileobj(egg, copy)
        yield copy


def folder_name(egg: IO[bytes]) -> str:
    """Return DISTRIBUTION-HASH.egg: importlib.metadata finds the distribution by such a folder name.

    Raises:
        EggError: the egg is damaged.
    """
    egg.seek(0)
    digest = hashlib.file_digest(egg, "sha256").hexdigest()  # type: ignore[arg-type]  # it is readable
    with _reading(egg) as archive:
        try:
            with archive.open("EGG-INFO/PKG-INFO") as file:
                info = file.read(_INFO_LIMIT).decode("utf-8", "replace")
        except KeyError:
            info = ""
    match = re.search(r"^Name:\s*(\S+)", info, re.MULTILINE)
    name = re.sub(r"[^A-Za-z0-9.]+", "_", match[1]) if match else "egg"
    return f"{name[:64]}-{digest[:32]}.egg"


def extract(egg: IO[bytes], folder: Path, limit: int) -> None:
    """Unpack into a new folder that only its owner can change.

    Args:
        egg: rewindable.
        folder: does not exist yet.
        limit: bytes that the files may have together.

    Raises:
        EggError: the egg is damaged, or its files exceed a limit or would leave the folder.
        OSError: the folder can't be written.
    """
    folder.mkdir(mode=0o755)
    with _reading(egg) as archive:
        _check(archive, limit)
        archive.extractall(folder)


@contextmanager
def _reading(egg: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open the egg; what a damaged zip raises (BadZipFile, zlib.error, EOFError, …) becomes an EggError."""
    try:
        egg.seek(0)
        with zipfile.ZipFile(egg) as archive:
            yield archive
    except EggError:
        raise
    except OSError as exc:
        if exc.errno != errno.EINVAL:  # a seek behind the end of the file
            raise
        raise EggError("the egg is damaged: it is cut off") from exc
    except Exception as exc:
        raise EggError(f"the egg is damaged: {type(exc).__name__}: {exc}") from exc


def _check(archive: zipfile.ZipFile, limit: int) -> None:
    """Refuse what a build never makes. zipfile itself never writes more than the size that it checks here."""
    entries = archive.infolist()
    if len(entries) > _FILES:
        raise EggError(f"the egg has {len(entries):,} files; at most {_FILES:,} are unpacked")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > limit:
        raise EggError(
            f"the egg has {unpacked / 2**20:,.0f} MiB of files, and at most {limit / 2**20:,.0f} MiB are "
            "unpacked (unpacked_egg_max_mb in scrapyd.conf)"
        )
    if unpacked > _RATIO_FROM and unpacked > _RATIO * packed:
        raise EggError(
            f"the egg is a zip bomb: {packed:,} bytes become {unpacked:,}, more than {_RATIO} times as many"
        )
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", entry.filename):
            raise EggError(f"the egg has a file outside of its folder: {entry.filename!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise EggError(f"the egg has a symbolic link: {entry.filename!r}")
