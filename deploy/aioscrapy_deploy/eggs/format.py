"""The format of an egg: a zip file; the same files always give the same bytes."""

import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath

from aioscrapy_deploy.errors import BuildError

Files = Mapping[str, bytes]  # path in the egg, parts joined by / -> content


def egg_bytes(files: Files) -> bytes:
    """Pack files: sorted names, one date, one mode, not compressed.

    Two builds of zlib compress the same text differently; stored, an egg is the same on every machine.
    """
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted({*files, *_namespace_folders(files)}):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, also if Windows packs it
            entry.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
            archive.writestr(entry, files.get(name, b""))
    return target.getvalue()


def read_egg(data: bytes, name: str) -> dict[str, bytes]:
    """Unpack an egg, without entries of folders; `name` is its name in errors.

    Raises:
        BuildError: it is not a zip file, it is damaged, or a path leads out of it.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            files = {
                entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()
            }
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as exc:
        raise BuildError(f"{name} is not an egg (a zip file): {exc}") from exc
    for path in files:
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise BuildError(f"{name} has a file with a path outside of the egg: {path}")
    return files


def without_bytecode(files: Files) -> dict[str, bytes]:
    """Remove compiled files; a .pyc without its source file is code and stays."""
    return {
        name: content
        for name, content in files.items()
        if "__pycache__/" not in name and not (name.endswith((".pyc", ".pyo")) and name[:-1] in files)
    }


def _namespace_folders(files: Files) -> set[str]:
    """Return the folders with modules but without __init__.py; zipimport needs an entry for them."""
    folders = {parent for name in files if name.endswith(".py") for parent in PurePosixPath(name).parents}
    return {f"{folder}/" for folder in folders if folder.name and f"{folder}/__init__.py" not in files}
