"""The contents and the record of an egg, and its difference to another egg."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_deploy.eggs.record import RECORD, read_record, recorded_spiders

# Names of files that a difference lists of each kind.
NAMES_LIMIT = 50


@dataclass(frozen=True)
class EggInfo:
    """One egg.

    Attributes:
        spiders: None for an egg without a record; then only the runner can list them.
        commit: of Git or Mercurial; "" for an egg that does not name it.
        dirty: files differed from the commit when it was built.
        builder: the program that built it; "" where the egg does not name it.
        files: name -> checksum of the zip file, without EGG-INFO.
    """

    spiders: list[str] | None
    commit: str
    dirty: bool
    builder: str
    files: dict[str, int]


@dataclass(frozen=True)
class Difference:
    """What is in one list and not in another one, and what has changed; the first names of each."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    counts: tuple[int, int, int]


def read_egg(path: Path) -> EggInfo:
    """Read the table of contents and the record of an egg; for a thread.

    Raises:
        OSError: it can't be read.
        zipfile.BadZipFile: it is not an egg.
    """
    with zipfile.ZipFile(path) as archive:
        everything = {info.filename: info.CRC for info in archive.infolist() if not info.is_dir()}
        data = {RECORD: archive.read(RECORD)} if RECORD in everything else {}
    record: dict[str, Any] = read_record(data)
    files = {name: crc for name, crc in everything.items() if not name.startswith("EGG-INFO/")}
    return EggInfo(
        recorded_spiders(data),
        str(record.get("commit") or ""),
        bool(record.get("dirty")),
        str(record.get("builder") or ""),
        files,
    )


def difference(new: dict[str, int], old: dict[str, int]) -> Difference:
    """Compare name -> checksum of two eggs, or the names of two lists."""
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(name for name in new.keys() & old.keys() if new[name] != old[name])
    counts = len(added), len(removed), len(changed)
    return Difference(added[:NAMES_LIMIT], removed[:NAMES_LIMIT], changed[:NAMES_LIMIT], counts)
