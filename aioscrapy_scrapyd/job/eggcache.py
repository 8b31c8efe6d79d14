"""A folder with the unpacked eggs that all jobs of a user share."""

import logging
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs

from aioscrapy_scrapyd.job.exceptions import EggError
from aioscrapy_scrapyd.job.unpacking import extract, folder_name, rewindable

logger = logging.getLogger(__name__)

KEEP_S = 30 * 86400  # seconds that an unpacked egg stays after the start of its last job
ABANDONED_S = 600  # seconds after which an unlocked, half unpacked egg belongs to a process that was killed
_TEMPORARY = "aioscrapy-egg-"  # prefix of a folder that a single job has in the folder for temporary files


@contextmanager
def unpacked(egg: IO[bytes], limit: int) -> Iterator[Path]:
    """Yield the folder with the egg's files.

    It is in the first of these places that can be used: the cache named by AIOSCRAPY_EGG_CACHE, else the one
    in the user's cache folder; a cache of the user among the temporary files; a temporary folder that is
    removed at the end. A folder in a cache is complete from the moment that it has its name, and is not
    removed while the process that got it (or a child which it forked) lives.

    Args:
        egg: a zip file.
        limit: bytes that its files may have together.

    Raises:
        EggError: the egg is damaged or exceeds a limit, or there is no room for its files.
    """
    with ExitStack() as at_end:
        egg = at_end.enter_context(rewindable(egg))
        name = folder_name(egg)
        folder = _in_a_cache(egg, name, limit)
        if folder is not None:
            yield folder
            return
        try:
            temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY))
            at_end.callback(shutil.rmtree, temporary, ignore_errors=True)
            _hold(temporary)
            _prune_temporary(temporary.parent, time.time())
            extract(egg, temporary / name, limit)
        except OSError as exc:
            raise EggError(f"the egg can't be unpacked: {exc}") from exc
        yield temporary / name


def prune(cache: Path, now: float) -> None:
    """Remove the eggs that no living job uses and of which no job has started for KEEP_S seconds.

    Also remove what processes that were killed have left half unpacked.
    """
    for folder in cache.iterdir():
        with suppress(OSError):  # in use, or another process was faster
            idle_s = now - folder.stat().st_mtime
            is_part = folder.name.startswith(".")
            if idle_s > (ABANDONED_S if is_part else KEEP_S) and (is_part or folder.suffix == ".egg"):
                _remove(folder)


def _in_a_cache(egg: IO[bytes], name: str, limit: int) -> Path | None:
    """Return the egg's folder in the first cache that can be used; None if there is none."""
    for cache in _caches():
        with suppress(OSError):  # no right to write, no room
            if cache.is_dir() and not _is_private(cache):
                logger.warning(
                    "The egg cache %s is not used: others can write to it (chmod go-w, chown)", cache
                )
                continue
            folder = _from_cache(egg, cache, name, limit)
            if folder is not None:
                return folder
    return None


def _caches() -> Iterator[Path]:
    named = os.environ.get("AIOSCRAPY_EGG_CACHE")
    if named:
        yield Path(named).absolute()  # a spider may change the working folder
    else:
        with suppress(RuntimeError):  # a user without a home
            path = platformdirs.user_cache_path("aioscrapy", appauthor=False) / "eggs"
            if path.is_absolute():  # older ones of platformdirs return ~/… then
                yield path
    if sys.platform != "win32":
        yield Path(tempfile.gettempdir()).absolute() / f"aioscrapy-eggs-{os.geteuid()}"


def _from_cache(egg: IO[bytes], cache: Path, name: str, limit: int) -> Path | None:
    folder = cache / name
    for _ in range(3):  # it may be pruned between our look and our lock, not for ever
        if not folder.is_dir():
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(cache):  # created by somebody else in this moment
                return None
            _unpack_to(egg, folder, limit)
            prune(cache, time.time())
        if not _is_private(folder):
            return None
        if _hold(folder):
            with suppress(OSError):  # a cache that an administrator filled, and that we may only read
                os.utime(folder)
            return folder
    return None


def _unpack_to(egg: IO[bytes], folder: Path, limit: int) -> None:
    """Unpack beside `folder` and rename: the name appears with all files."""
    parts = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        _hold(parts)  # against `prune` of a job that takes us for a killed one
        extract(egg, parts / "egg", limit)
        (parts / "egg").rename(folder)
    except OSError:
        if not folder.is_dir():  # else another job was faster, with the same bytes
            raise
    finally:
        shutil.rmtree(parts, ignore_errors=True)


if sys.platform == "win32":

    def _is_private(folder: Path) -> bool:
        """Return True: the user's profile belongs to the user."""
        return True

    def _hold(folder: Path) -> bool:
        """Return whether the folder exists; its time alone protects it where folders can't be locked."""
        return folder.is_dir()

    def _remove(folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def _prune_temporary(folder: Path, now: float) -> None:
        """Do nothing: a folder that another job uses can't be told from an abandoned one."""

else:
    import fcntl

    def _is_private(folder: Path) -> bool:
        """Return whether only this user and root can change the files of the folder.

        Jobs run these files.
        """
        trusted = {0, os.geteuid()}
        real = folder.resolve()
        status = real.stat()
        if {folder.lstat().st_uid, status.st_uid} - trusted or status.st_mode & 0o022:
            return False
        modes = (parent.stat().st_mode for parent in real.parents)
        return all(not mode & 0o002 or mode & stat.S_ISVTX for mode in modes)

    def _hold(folder: Path) -> bool:
        """Lock the folder against `prune` until this process and the children that it forked have ended.

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

    def _prune_temporary(folder: Path, now: float) -> None:
        """Remove the temporary folders of this user's jobs that were killed."""
        for path in folder.glob(f"{_TEMPORARY}*"):
            with suppress(OSError):  # in use
                if _is_private(path) and now - path.stat().st_mtime > ABANDONED_S:
                    _remove(path)
