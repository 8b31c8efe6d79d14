"""`eggstorage` of scrapyd.conf: eggs in files that appear whole or not at all."""

import hashlib
import os
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import scrapyd.eggstorage
from typing_extensions import override

from aioscrapy_scrapyd.eggs import UNCHECKED, EggRecords

# Bytes that an egg may unpack to, and how many times its own size; an egg of code has a ratio of 3 to 10.
UNPACKED_LIMIT = 1_000_000_000
RATIO_LIMIT = 200
FILES_LIMIT = 100_000
_BACKUP = ".before"


class BadEggError(Exception):
    """The bytes are not an egg that can be stored; one line for a person."""


@dataclass(frozen=True)
class Stored:
    """An egg that was put into its place: its hash and size, and the version that it replaced, if any."""

    path: Path
    sha256: str
    size: int
    replaced: Path | None

    def keep(self) -> None:
        """Give up the egg that was replaced."""
        if self.replaced is not None:
            self.replaced.unlink(missing_ok=True)

    def take_back(self) -> None:
        """Put everything back as it was."""
        if self.replaced is not None:
            self.replaced.replace(self.path)
        else:
            self.path.unlink(missing_ok=True)
            if not any(self.path.parent.iterdir()):
                self.path.parent.rmdir()


class EggStorage(scrapyd.eggstorage.FilesystemEggStorage):
    """Scrapyd's storage with atomic files; "the latest" is the active version of the records."""

    def __init__(self, config: Any, records: EggRecords) -> None:
        super().__init__(config)
        self.basedir: str = str(Path(config.get("eggs_dir", "eggs")).absolute())
        self.records = records
        for backup in Path(self.basedir).glob(f"*/*{_BACKUP}"):
            self._settle(backup)

    def _settle(self, backup: Path) -> None:
        """Decide for the old or the new egg where a daemon died while it replaced one."""
        path = backup.with_name(backup.name.removesuffix(_BACKUP))
        record = self.records.get(path.parent.name, path.stem)
        if (
            record is not None
            and path.exists()
            and record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        ):
            backup.unlink()
            return
        backup.replace(path)
        if record is not None and record.spiders == UNCHECKED:
            self.records.forget(path.parent.name, path.stem)

    def path_of(self, project: str, version: str) -> Path:
        """Return the file of a version.

        Raises:
            DirectoryTraversalError: the project's name leads out of the folder.
        """
        return Path(self._egg_path(project, version))

    def store(self, egg: bytes, project: str, version: str) -> Stored:
        """Put an egg into its place; blocks on the disk: for a thread.

        Raises:
            BadEggError: it is not a zip file, or it unpacks to too much.
            OSError: it can't be written; nothing has changed.
        """
        check_egg(egg)
        path = self.path_of(project, version)
        made_folder = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        backup = path.with_name(f"{path.name}{_BACKUP}") if path.exists() else None
        try:
            with temporary.open("wb") as file:
                file.write(egg)
                file.flush()
                os.fsync(file.fileno())
            if backup is not None:
                backup.unlink(missing_ok=True)
                os.link(path, backup)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            if made_folder:
                path.parent.rmdir()
            raise
        return Stored(path, hashlib.sha256(egg).hexdigest(), len(egg), backup)

    @override
    def put(self, eggfile: IO[bytes], project: str, version: str) -> None:
        self.store(eggfile.read(), project, version).keep()

    @override
    def get(self, project: str, version: str | None = None) -> tuple[str | None, IO[bytes] | None]:
        chosen = version if version is not None else self.active(project)
        found: tuple[str | None, IO[bytes] | None] = super().get(project, chosen) if chosen else (None, None)
        return found

    @override
    def list(self, project: str) -> list[str]:
        return [] if "\0" in project else super().list(project)

    def active(self, project: str) -> str | None:
        """Return the version that a job without a version runs; None if the project has no egg."""
        return self.records.active(project, self.list(project))

    @override
    def delete(self, project: str, version: str | None = None) -> None:
        super().delete(project, version)
        self.records.forget(project, version)


def check_egg(egg: bytes) -> None:
    """Check that the bytes are a zip file of a size that can be unpacked.

    Raises:
        BadEggError: they are not.
    """
    try:
        with zipfile.ZipFile(BytesIO(egg)) as archive:
            files = archive.infolist()
            size = sum(info.file_size for info in files)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as exc:
        raise BadEggError("egg is not a ZIP file (if using curl, use egg=@path not egg=path)") from exc
    if len(files) > FILES_LIMIT:
        raise BadEggError(f"the egg has {len(files)} files; {FILES_LIMIT} is the limit")
    if size > min(UNPACKED_LIMIT, max(len(egg) * RATIO_LIMIT, 50_000_000)):
        raise BadEggError(f"the egg has {len(egg)} bytes and unpacks to {size}: this is not a project")
