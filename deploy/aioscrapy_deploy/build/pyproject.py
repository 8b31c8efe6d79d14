"""Reads the pyproject.toml of a project."""

from pathlib import Path
from typing import Any

from aioscrapy_deploy.errors import BuildError


def read_pyproject(folder: Path) -> dict[str, Any]:
    """Return the contents of a folder's pyproject.toml; {} if there is none.

    Raises:
        BuildError: it can't be read, or its [project] is none.
    """
    import tomllib

    try:
        whole = tomllib.loads((folder / "pyproject.toml").read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise BuildError(f"pyproject.toml can't be read: {exc}") from exc
    project = whole.get("project", {})
    needs = project.get("dependencies", []) if isinstance(project, dict) else None
    if not isinstance(needs, list) or not all(isinstance(text, str) for text in needs):
        raise BuildError("pyproject.toml can't be read: its [project] dependencies are not a list of texts")
    return whole
