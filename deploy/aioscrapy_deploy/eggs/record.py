"""The record of the builder in an egg: EGG-INFO/aioscrapy.json."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

RECORD = "EGG-INFO/aioscrapy.json"


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return the hash (64 hex digits) of the names and contents of all files except the record."""
    whole = hashlib.sha256()
    for name in sorted(files.keys() - {RECORD}):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def with_record(
    files: Mapping[str, bytes], spiders: Iterable[str] | None, about: Mapping[str, object] | None = None
) -> dict[str, bytes]:
    """Add the record: content hash, names of the spiders (null: not listed), and `about`."""
    names = None if spiders is None else sorted(spiders)
    record = {"sha256": content_hash(files), "spiders": names, **(about or {})}
    return {**files, RECORD: json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"}


def read_record(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the record of the builder; {} for an egg of another program."""
    try:
        record = json.loads(files.get(RECORD, b"{}"))
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def recorded_spiders(files: Mapping[str, bytes]) -> list[str] | None:
    """Return the names of the spiders that were listed when the egg was built; None without a list."""
    spiders = read_record(files).get("spiders")
    return [str(name) for name in spiders] if isinstance(spiders, list) else None
