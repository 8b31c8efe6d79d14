"""A wheel, which a project's own backend has built, in the form of our eggs."""

import re

from aioscrapy_deploy.eggs.format import Files
from aioscrapy_deploy.errors import BuildError


def egg_files(wheel: Files) -> dict[str, bytes]:
    """Return the files of an egg; what a wheel puts beside Python's folder (scripts, headers) is left out.

    Raises:
        BuildError: the file is not a wheel.
    """
    metadata = [name for name in wheel if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
    if len(metadata) != 1:
        raise BuildError("pyproject.toml failed: its backend did not build a wheel")
    info = metadata[0].removesuffix("METADATA")
    files = {"EGG-INFO/PKG-INFO": wheel[metadata[0]]}
    if f"{info}entry_points.txt" in wheel:
        files["EGG-INFO/entry_points.txt"] = wheel[f"{info}entry_points.txt"]
    for name, content in wheel.items():
        inside = re.fullmatch(r"[^/]+\.data/(purelib|platlib)/(.+)", name)
        if inside:
            files[inside[2]] = content
        elif not re.match(r"[^/]+\.(data|dist-info)/", name):
            files[name] = content
    return files
