"""What the node knows of each egg: when it was deployed, which one is active, which spiders it has."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from aioscrapy_deploy.eggs.versions import latest, stored_name
from aioscrapy_scrapyd.state.schema import Statement
from aioscrapy_scrapyd.state.store import Store

# `spiders` of an egg that was stored and not listed yet: it can't become the active version.
UNCHECKED = -1

_COLUMNS = "project, version, deployed, active, user, sha256, size, spiders"


@dataclass
class EggRecord:
    """One deployed version. `version` is the name of its file, `spiders` how many it lists."""

    project: str
    version: str
    deployed: float
    active: bool
    user: str
    sha256: str
    size: int
    spiders: int


class EggRecords:
    """The records of all eggs, in memory and in the store.

    The active version of a project is the one that was deployed or activated last. Where no version has a
    record, it is the latest by PEP 440, as in Scrapyd.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[tuple[str, str], EggRecord] = {}
        for row in store.query(f"SELECT {_COLUMNS} FROM egg"):  # noqa: S608 no user text
            record = EggRecord(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6], int(row[7]))
            self._records[record.project, record.version] = record

    def name(self, version: str) -> str:
        """Return the name under which a version is stored."""
        return stored_name(version)

    def get(self, project: str, version: str) -> EggRecord | None:
        """Return the record of a version; None for an egg that no node took in."""
        return self._records.get((project, stored_name(version)))

    def about(self, project: str, version: str) -> dict[str, Any]:
        """Return what is known of a stored version, as JSON has it."""
        record = self.get(project, version)
        if record is None:
            return {"version": version}
        return {
            "version": version,
            "deployed": record.deployed,
            "by": record.user,
            "sha256": record.sha256,
            "size": record.size,
            "spiders": record.spiders,
        }

    def active(self, project: str, versions: Sequence[str]) -> str | None:
        """Return which of these stored versions runs; None if there is none."""
        records = {version: self._records.get((project, version)) for version in versions}
        active = [version for version, record in records.items() if record is not None and record.active]
        listed = [
            version for version, record in records.items() if record is None or record.spiders != UNCHECKED
        ]
        return active[0] if active else latest(listed)

    def save(self, record: EggRecord) -> "Future[None]":
        """Keep a record; if it is active, no other version of the project is.

        Returns:
            done when the record is on the disk; StoreError if it could not be written, and nothing changed.
        """
        statements: list[Statement] = []
        if record.active:
            statements.append(("UPDATE egg SET active = 0 WHERE project = ?", [record.project]))
        row = [getattr(record, name) for name in _COLUMNS.split(", ")]
        marks = ", ".join("?" * len(row))
        statements.append((f"INSERT OR REPLACE INTO egg ({_COLUMNS}) VALUES ({marks})", row))  # noqa: S608 no user text
        return self._store.write(statements)

    def saved(self, record: EggRecord) -> None:
        """Take over in memory what `save` has written."""
        if record.active:
            for other in self._records.values():
                other.active = other.active and other.project != record.project
        self._records[record.project, record.version] = record

    def forget(self, project: str, version: str | None = None) -> None:
        """Drop the record of a version that was deleted, or of all versions of the project."""
        name = stored_name(version) if version is not None else None
        for key in [key for key in self._records if key[0] == project and name in (None, key[1])]:
            del self._records[key]
            self._store.write([("DELETE FROM egg WHERE project = ? AND version = ?", key)], must=True)
