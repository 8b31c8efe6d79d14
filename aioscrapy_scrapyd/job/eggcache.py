"""Unpacks an egg once, into a folder that all jobs of this user share."""

import errno
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs

from aioscrapy_scrapyd.job.exceptions import EggError

KEEP_S = 30 * 86400  # seconds that an unpacked egg stays after the start of its last job
_ABANDONED_S = 86400  # seconds after which a half unpacked egg belongs to a process that was killed


@contextmanager
def unpacked(egg: IO[bytes]) -> Iterator[Path]:
    """Yield the folder with the egg's files: that of the cache, else a temporary one that is removed.

    A folder in the cache is complete from the moment that it has its name, and is not removed as long as
    the process that got it (or a child which it forked) lives. It is named DISTRIBUTION-HASH.egg: by such a
    name importlib.metadata finds the distribution in its EGG-INFO.

    Raises:
        EggError: it is not a whole zip file, or there is no room for its files.
    """
    egg = _seekable(egg)
    name = _folder_name(egg)
    try:
        folder = _from_cache(egg, _cache(), name)
    except OSError:
        folder = None  # no home, no right to write, no room
    if folder is not None:
        yield folder
        return
    with ExitStack() as at_end:
        try:
            temporary = tempfile.mkdtemp(prefix="aioscrapy-")
            at_end.callback(shutil.rmtree, temporary, ignore_errors=True)
            folder = Path(temporary) / name
            _extract(egg, folder)
        except OSError as exc:
            raise EggError(f"the egg can't be unpacked: {exc}") from exc
        yield folder


def prune(cache: Path, now: float) -> None:
    """Remove the eggs of which no job has started for KEEP_S seconds, and which no living job uses."""
    for folder in cache.iterdir():
        with suppress(OSError):  # another process was faster
            idle_s = now - folder.stat().st_mtime
            if folder.name.startswith(".") and idle_s > _ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.suffix == ".egg" and idle_s > KEEP_S:
                _remove(folder)


def _cache() -> Path:
    named = os.environ.get("AIOSCRAPY_EGG_CACHE")
    # absolute: a spider may change the working folder
    return Path(named or platformdirs.user_cache_path("aioscrapy", appauthor=False) / "eggs").absolute()


def _seekable(egg: IO[bytes]) -> IO[bytes]:
    """Return the egg, or a copy if it is a stream, as storages in the net give it."""
    if getattr(egg, "seekable", bool)():
        return egg
    return io.BytesIO(egg.read())


def _folder_name(egg: IO[bytes]) -> str:
    digest = hashlib.file_digest(egg, "sha256").hexdigest()  # type: ignore[arg-type]  # it is readable
    with _reading(egg) as archive:
        try:
            info = archive.read("EGG-INFO/PKG-INFO").decode("utf-8", "replace")
        except KeyError:
            info = ""
    found = re.search(r"^Name:\s*(\S+)", info, re.MULTILINE)
    name = re.sub(r"[^A-Za-z0-9.]+", "_", found[1]) if found else "egg"
    return f"{name[:64]}-{digest[:32]}.egg"


def _from_cache(egg: IO[bytes], cache: Path, name: str) -> Path | None:
    folder = cache / name
    for _ in range(3):  # it may be pruned between our look and our lock, not for ever
        if not folder.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            _unpack_to(egg, folder)
            prune(cache, time.time())
        if _hold(folder):
            with suppress(OSError):  # a cache that somebody filled for us, and that we may only read
                os.utime(folder)
            return folder
    return None


def _unpack_to(egg: IO[bytes], folder: Path) -> None:
    """Unpack beside `folder` and rename: whoever sees the name sees all files."""
    parts = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        _extract(egg, parts / "egg")
        (parts / "egg").rename(folder)
    except OSError:
        if not folder.is_dir():  # else another job was faster, with the same bytes
            raise
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _extract(egg: IO[bytes], folder: Path) -> None:
    with _reading(egg) as archive:
        archive.extractall(folder)


@contextmanager
def _reading(egg: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open the egg; what a damaged zip raises (BadZipFile, zlib.error, EOFError, …) becomes an EggError."""
    try:
        egg.seek(0)
        with zipfile.ZipFile(egg) as archive:
            yield archive
    except OSError as exc:
        if exc.errno != errno.EINVAL:  # a seek to where the file ends no more
            raise
        raise EggError("the egg is damaged: it is cut off") from exc
    except Exception as exc:
        raise EggError(f"the egg is damaged: {type(exc).__name__}: {exc}") from exc


if sys.platform == "win32":

    def _hold(folder: Path) -> bool:
        """Say that the folder is there; its time alone protects it where folders can't be locked."""
        return folder.is_dir()

    def _remove(folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

else:
    import fcntl

    def _hold(folder: Path) -> bool:
        """Lock the folder against `prune` until this process and the children that it forked are gone.

        False if it was removed in the meantime.
        """
        try:
            lock = os.open(folder, os.O_RDONLY)  # never closed: the end of the process does that
        except FileNotFoundError:
            return False
        with suppress(OSError):  # a file system without locks: the folder's time protects it
            fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            if os.path.samestat(os.fstat(lock), folder.stat()):
                return True
        except FileNotFoundError:
            pass
        os.close(lock)
        return False

    def _remove(folder: Path) -> None:
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = folder.rename(folder.with_name(f".removing-{os.getpid()}-{folder.name}"))
            shutil.rmtree(gone, ignore_errors=True)
        finally:
            os.close(lock)
