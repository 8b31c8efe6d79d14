"""An egg is a zip: files in, the same bytes out every time; and what its EGG-INFO says."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from configparser import ConfigParser, Error
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from aioscrapy_deploy.errors import BuildError

Files = Mapping[str, bytes]  # path in the egg, parts joined by / -> content

RECORD = "EGG-INFO/aioscrapy.json"
_ENTRY_POINTS = "EGG-INFO/entry_points.txt"
_GROUPS = ("aioscrapy", "scrapy")  # our runner takes either, the stock runner the second


def egg_bytes(files: Files) -> bytes:
    """Pack files: sorted names, one date, one mode, not compressed.

    Two builds of zlib compress the same text differently; stored, an egg is the same on every machine.
    """
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted({*files, *_namespace_folders(files)}):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever packs it
            entry.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
            archive.writestr(entry, files.get(name, b""))
    return target.getvalue()


def read_egg(data: bytes, name: str) -> dict[str, bytes]:
    """Unpack an egg; `name` is what errors call it. Folders' own entries are left out.

    Raises:
        BuildError: it is not a zip, it is damaged, or a path in it leads out of it.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            files = {
                entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()
            }
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as exc:
        raise BuildError(f"Error: {name} is not an egg (a zip file): {exc}") from exc
    for path in files:
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise BuildError(f"Error: {name} has a file that would lie outside of it: {path}")
    return files


def content_hash(files: Files) -> str:
    """Return 64 hex digits that stand for names and contents of all files but the record."""
    whole = hashlib.sha256()
    for name in sorted(files.keys() - {RECORD}):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def with_record(
    files: Files, spiders: Iterable[str] | None, about: Mapping[str, object] | None = None
) -> dict[str, bytes]:
    """Add `EGG-INFO/aioscrapy.json`: content hash, names of the spiders (null: not listed), `about`."""
    known = None if spiders is None else sorted(spiders)
    record = {"sha256": content_hash(files), "spiders": known, **(about or {})}
    return {**files, RECORD: json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"}


def read_record(files: Files) -> dict[str, Any]:
    """Return what the builder wrote into the egg; {} where another one built it."""
    try:
        record = json.loads(files.get(RECORD, b"{}"))
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def recorded_spiders(files: Files) -> list[str] | None:
    """Return the names of the spiders that were listed when this egg was built; None where none were."""
    spiders = read_record(files).get("spiders")
    return [str(name) for name in spiders] if isinstance(spiders, list) else None


def settings_module(files: Files) -> str | None:
    """Return the settings module that the egg's entry points name, ours first; None where neither does."""
    entry_points = _read_entry_points(files)
    for group in _GROUPS:
        if entry_points.has_option(group, "settings"):
            return entry_points.get(group, "settings").partition(":")[0].partition("[")[0].strip()
    return None


def with_entry_points(files: Files, module: str) -> dict[str, bytes]:
    """Give the egg both groups, so that either runner runs it; what a group says already stays."""
    entry_points = _read_entry_points(files)
    for group in _GROUPS:
        if not entry_points.has_section(group):
            entry_points.add_section(group)
        if not entry_points.has_option(group, "settings"):
            entry_points.set(group, "settings", module)
    lines: list[str] = []
    for group in sorted(entry_points.sections()):
        lines += [
            f"[{group}]",
            *(f"{name} = {value}" for name, value in sorted(entry_points.items(group))),
            "",
        ]
    return {**files, _ENTRY_POINTS: "\n".join(lines).encode()}


def without_bytecode(files: Files) -> dict[str, bytes]:
    """Drop what Python compiles by itself; a .pyc that has no source beside it is the code and stays."""
    return {
        name: content
        for name, content in files.items()
        if "__pycache__/" not in name and not (name.endswith((".pyc", ".pyo")) and name[:-1] in files)
    }


def _namespace_folders(files: Files) -> set[str]:
    """Name the folders with modules but no __init__.py: zipimport sees those only by their own entry."""
    folders = {parent for name in files if name.endswith(".py") for parent in PurePosixPath(name).parents}
    return {f"{folder}/" for folder in folders if folder.name and f"{folder}/__init__.py" not in files}


def _read_entry_points(files: Files) -> ConfigParser:
    entry_points = ConfigParser(interpolation=None, delimiters=("=",))
    entry_points.optionxform = str  # type: ignore[method-assign,assignment]  # names of entry points have case
    try:
        entry_points.read_string(files.get(_ENTRY_POINTS, b"").decode())
    except (Error, UnicodeDecodeError) as exc:
        raise BuildError(
            f"Error: the egg's entry_points.txt can't be read: {str(exc).splitlines()[0]}"
        ) from exc
    return entry_points
