"""Build an egg from a project's folder and list its spiders; the folder is not changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aioscrapy_deploy.build.check import SKIPPED, check
from aioscrapy_deploy.build.commit import read_commit
from aioscrapy_deploy.build.contents import EggContents
from aioscrapy_deploy.build.dependencies import missing_note, needed, required_names
from aioscrapy_deploy.build.platforms import Platform
from aioscrapy_deploy.build.pyproject import read_pyproject
from aioscrapy_deploy.build.tools import Tools
from aioscrapy_deploy.build.tree import project_files
from aioscrapy_deploy.cfg import Project
from aioscrapy_deploy.eggs.entry_points import ENTRY_POINTS, settings_module
from aioscrapy_deploy.eggs.format import egg_bytes
from aioscrapy_deploy.eggs.metadata import project_metadata
from aioscrapy_deploy.eggs.record import with_record
from aioscrapy_deploy.errors import BuildError, TargetError


@dataclass(frozen=True)
class Built:
    """An egg, the names of its spiders (None: not listed), and lines for a person."""

    data: bytes
    spiders: list[str] | None
    notes: list[str]


def builder() -> str:
    """Return the name and version of this program."""
    try:
        number = version("aioscrapy-scrapyd")
    except PackageNotFoundError:  # a checkout need not be installed
        from aioscrapy.version import __version__ as number
    return f"aioscrapy-scrapyd {number}"


def build(
    project: Project,
    workdir: Path,
    *,
    names: Sequence[str] = (),
    dependencies: Platform | None,
    verbose: bool,
    checked: bool = True,
) -> Built:
    """Pack a project directly, or with its setup.py or backend in a copy; then check the egg.

    Args:
        project: the settings module is the first of `names` in its [settings], or else `default`.
        workdir: an empty folder for all files of the build.
        names: names of the project on the server; a cfg file may have several projects.
        dependencies: the platform of the dependencies to put into the egg; None leaves them out.
        verbose: print the output of builders on standard error; else an error has its last line.
        checked: import the project and list its spiders.

    Raises:
        BuildError: the project can't be packed.
        BrokenProjectError: the project can't be imported (see `check`).
        TargetError: there is no cfg file, or the project names no dependencies.
    """
    if project.folder is None:
        raise TargetError(
            "to build an egg, this folder or one above it must have an aioscrapy.cfg or scrapy.cfg"
        )
    tools = Tools(project.folder, workdir, verbose=verbose)
    named = project.settings_module(*names)
    contents = _collect(project, project.folder, named, tools)
    contents = contents.with_entry_points(replace_settings=named is not None)
    commit, refusal = read_commit(project.folder, contents.packed)
    about: dict[str, Any] = {
        "builder": builder(),
        "commit": commit and commit.id,
        "dirty": commit and commit.dirty,
    }
    lines = needed(project.folder, contents.files)
    notes = contents.left_out.warnings()
    if refusal:
        notes.append(f"Note: the egg does not name its commit: {refusal}")
    if dependencies is not None:
        contents, packed = _include(contents, tools, lines, dependencies)
        about |= packed
    elif note := missing_note(project.folder, lines or (), scrapy=project.cfg_names == ("scrapy.cfg",)):
        notes.append(note)
    result = check(contents, workdir, project, required_names(lines or ())) if checked else SKIPPED
    files = with_record(contents.files, result.spiders, about)
    built = Built(egg_bytes(files), result.spiders, notes + result.notes)
    (workdir / "project.egg").write_bytes(built.data)
    return built


def _collect(project: Project, folder: Path, named: str | None, tools: Tools) -> EggContents:
    """Return the project's files with their metadata.

    A pyproject.toml with a [build-system] names the backend that builds the project. Without it, the file is
    for tools and dependencies, as in uv, and the packages are packed with all their files: setuptools, the
    default of PEP 517, would leave out their data files.
    """
    by_setup = (folder / "setup.py").is_file()
    pyproject = {} if by_setup else read_pyproject(folder)
    if by_setup or "build-system" in pyproject:
        files = tools.by_setup() if by_setup else tools.by_backend()
        in_egg = settings_module(files.get(ENTRY_POINTS, b""))
        module = named or in_egg or project.settings_module("default")
        if module is None:
            raise BuildError("no settings module: the cfg has no [settings] default, setup.py no entry point")
        if named or not by_setup:
            _require(module, files, "setup.py" if by_setup else "pyproject.toml")
        return EggContents(files, module, frozenset(tools.copied), tools.left_out)
    module = named or project.settings_module("default")
    if module is None:
        raise BuildError(
            f"no [settings] default = PACKAGE.settings in the {project.cfg_names[-1]} of {folder}"
        )
    files, left_out = project_files(folder, module)
    whole = project_metadata(files, module, pyproject.get("project", {}))
    return EggContents(whole, module, frozenset(files), left_out)


def _require(module: str, files: dict[str, bytes], maker: str) -> None:
    """Raise BuildError for an egg without its settings: a backend has its own rules for packages."""
    path = module.replace(".", "/")
    if not any(name.startswith((f"{path}.", f"{path}/")) for name in files):
        product = "wheel" if maker == "pyproject.toml" else "egg"
        raise BuildError(
            f"the settings {module} are not in the {product} that {maker} makes: "
            "name the packages in that file"
        )


def _include(
    contents: EggContents, tools: Tools, lines: list[str] | None, platform: Platform
) -> tuple[EggContents, dict[str, Any]]:
    """Add the dependencies; return also their fields in the record."""
    if lines is None:
        raise TargetError("Missing requirements.txt")
    included = tools.install(lines, platform)
    return (
        contents.with_dependencies(included.files, included.foreign),
        {"dependencies": included.pins, **platform.record()},
    )
