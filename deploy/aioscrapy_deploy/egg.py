"""An egg is a zip: files in, the same bytes out every time; and what its EGG-INFO says."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from configparser import ConfigParser, Error
from email.parser import Parser
from io import BytesIO
from pathlib import PurePosixPath

from aioscrapy_deploy.errors import BuildError

Files = Mapping[str, bytes]  # path in the egg, parts joined by / -> content

RECORD = "EGG-INFO/aioscrapy.json"
_ENTRY_POINTS = "EGG-INFO/entry_points.txt"
_STABLE_HEADERS = ("Name", "Version", "Summary", "Author", "Author-email", "Requires-Python", "Requires-Dist")
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


def with_record(files: Files, spiders: Iterable[str] | None) -> dict[str, bytes]:
    """Add `EGG-INFO/aioscrapy.json`: the content hash, and the names of the spiders (null: not listed)."""
    known = None if spiders is None else sorted(spiders)
    record = {"sha256": content_hash(files), "spiders": known}
    return {**files, RECORD: json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"}


def recorded_spiders(files: Files) -> list[str] | None:
    """Return the names of the spiders that were listed when this egg was built; None where none were."""
    try:
        spiders = json.loads(files.get(RECORD, b"{}")).get("spiders")
    except (ValueError, AttributeError):
        return None
    return [str(name) for name in spiders] if isinstance(spiders, list) else None


def project_metadata(files: Files, settings_module: str) -> dict[str, bytes]:
    """Return the EGG-INFO of a project that has no setup.py of its own."""
    top_level = sorted({name.partition("/")[0].removesuffix(".py") for name in files})
    name = settings_module.partition(".")[0]
    return {
        "EGG-INFO/PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        "EGG-INFO/SOURCES.txt": sources(files),
        "EGG-INFO/dependency_links.txt": b"\n",
        "EGG-INFO/top_level.txt": "".join(f"{top}\n" for top in top_level).encode(),
        "EGG-INFO/zip-safe": b"\n",
    }


def sources(files: Files) -> bytes:
    """Return SOURCES.txt: a line for each file that is not about the egg itself."""
    return "".join(f"{name}\n" for name in sorted(files) if not name.startswith("EGG-INFO/")).encode()


def stable_metadata(files: Files) -> dict[str, bytes]:
    """Rewrite what each setuptools writes in a way of its own: the headers in PKG-INFO, and SOURCES.txt."""
    headers = Parser().parsestr(
        files.get("EGG-INFO/PKG-INFO", b"").decode(errors="replace"), headersonly=True
    )
    lines = ["Metadata-Version: 2.1"]
    for name in _STABLE_HEADERS:
        lines += sorted(f"{name}: {' '.join(str(value).split())}" for value in headers.get_all(name, []))
    pkg_info = "".join(f"{line}\n" for line in lines).encode()
    return {**files, "EGG-INFO/PKG-INFO": pkg_info, "EGG-INFO/SOURCES.txt": sources(files)}


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
