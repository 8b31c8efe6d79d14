"""The versions of a project as Scrapyd stores and sorts them."""

import re
from collections.abc import Iterable


def stored_name(version: str) -> str:
    """Return the name under which Scrapyd's FilesystemEggStorage stores a version."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", version)


def latest(names: Iterable[str]) -> str | None:
    """Return the stored name that is the latest for Scrapyd; None without names.

    Source: scrapyd.eggstorage.sorted_versions: by PEP 440 if every name is a version, else by characters.
    """
    names = list(names)
    if len(names) < 2:  # nothing to compare, nothing to import
        return names[0] if names else None
    from packaging.version import InvalidVersion, Version

    try:
        return sorted(names, key=Version)[-1]  # noqa: FURB192 Scrapyd uses the last of equal versions
    except InvalidVersion:
        return max(names)


def is_latest(version: str, names: Iterable[str]) -> bool:
    """Return True if a version would be the latest of these names; False beside an equal one (1, 01)."""
    name = stored_name(version)
    return latest([name, *(other for other in names if other != name)]) == name
