"""The description of an egg, for a person or a program."""

import hashlib
from typing import Any

from aioscrapy_deploy.eggs.entry_points import ENTRY_POINTS, settings_module
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.metadata import name_and_version, requirements
from aioscrapy_deploy.eggs.record import content_hash, read_record


def summary(data: bytes) -> str:
    """Return files, size and hash of an egg in one line."""
    count = len(read_egg(data, "the egg"))
    digest = hashlib.sha256(data).hexdigest()
    return f"{count} file{'s' if count != 1 else ''}, {_size(len(data))} (sha256 {digest[:12]})"


def describe(data: bytes, name: str) -> dict[str, Any]:
    """Return the description of an egg; values that its builder did not record are None.

    `sha256` is the hash of the file, `content_sha256` the hash of the names and contents in it; `size` is in
    bytes; `intact` is True if the content has the hash that its builder recorded; `requires` are the
    dependencies of the project, `dependencies` those that are in the egg.
    """
    files = read_egg(data, name)
    record = read_record(files)
    content = content_hash(files)
    project, version = name_and_version(files)
    recorded = ("commit", "dirty", "builder", "spiders", "dependencies", "platform", "python_version")
    return {
        "egg": name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "files": len(files),
        "content_sha256": content,
        "intact": record["sha256"] == content if "sha256" in record else None,
        "project": project,
        "project_version": version,
        "settings": settings_module(files.get(ENTRY_POINTS, b"")),
        "requires": requirements(files),
        **{key: record.get(key) for key in recorded},
    }


def as_text(about: dict[str, Any]) -> str:
    """Return the description as lines for a person."""
    platform = [about["platform"], about["python_version"] and f"Python {about['python_version']}"]
    included = _listed(about["dependencies"], "not in it", "none")
    rows = {
        "egg": f"{about['egg']}: {about['files']} files, {_size(about['size'])}",
        "sha256": about["sha256"],
        "content": about["content_sha256"],
        "project": " ".join(filter(None, (about["project"], about["project_version"]))) or "unknown",
        "settings": about["settings"] or "unknown",
        "spiders": _listed(about["spiders"], "not listed", "none"),
        "commit": f"{about['commit'] or 'unknown'}{', with uncommitted changes' if about['dirty'] else ''}",
        "built by": about["builder"] or "unknown",
        "requires": _listed(about["requires"], "", "nothing"),
        "dependencies": f"{included} (for {', '.join(filter(None, platform))})"
        if any(platform)
        else included,
    }
    return "\n".join(f"{name:<13} {value}" for name, value in rows.items())


def _listed(names: list[str] | None, unknown: str, none: str) -> str:
    return unknown if names is None else ", ".join(map(str, names)) or none


def _size(count: int) -> str:
    """Return a number of bytes as text for a person."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
