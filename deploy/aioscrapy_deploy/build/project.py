"""From a project's folder to an egg whose spiders have been listed; the folder stays as it was."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy.version import __version__
from aioscrapy_deploy.build.commit import read_commit
from aioscrapy_deploy.build.dependencies import Included, missing_note, needed
from aioscrapy_deploy.build.platforms import Platform
from aioscrapy_deploy.build.pyproject import read_pyproject
from aioscrapy_deploy.build.tools import Builder, last_reason
from aioscrapy_deploy.build.tree import IGNORE_FILE, project_files
from aioscrapy_deploy.eggs.entry_points import ENTRY_POINTS, settings_module, with_entry_points
from aioscrapy_deploy.eggs.format import Files, egg_bytes
from aioscrapy_deploy.eggs.metadata import project_metadata
from aioscrapy_deploy.eggs.record import with_record
from aioscrapy_deploy.errors import BrokenProjectError, BuildError, TargetError
from aioscrapy_deploy.targets import Project

# not from importlib.metadata: a checkout need not be installed
BUILDER = f"aioscrapy-scrapyd {__version__}"
LIST_TIMEOUT_S = 300  # Scrapyd, which lists once more, is given the same
_NOT_LISTED = "Note: spiders are not listed before the upload"


@dataclass(frozen=True)
class Built:
    """An egg, the names of its spiders (None: not listed), and lines that a person should read."""

    data: bytes
    spiders: list[str] | None
    notes: list[str]


def build(project: Project, workdir: Path, *, dependencies: Platform | None, verbose: bool) -> Built:
    """Pack a project: directly, or by its own setup.py or backend in a copy; then list its spiders.

    `dependencies` is the platform for which they are put into the egg; None leaves them out.
    `workdir` is an empty folder for all that arises. With `verbose` what builders print goes to standard
    error as it comes, else its last line into the error.

    Raises:
        BuildError: it can't be packed.
        BrokenProjectError: the settings, or all modules with spiders, can't be imported.
        TargetError: there is no cfg file, or nothing names the dependencies that are asked for.
    """
    if project.folder is None:
        raise TargetError("to build an egg there must be an aioscrapy.cfg or scrapy.cfg here or above")
    builder = Builder(project.folder, workdir, verbose=verbose)
    files, left = _pack(project, project.folder, builder)
    module = settings_module(files.get(ENTRY_POINTS, b"")) or project.settings_module
    if module is None:
        raise BuildError("no settings module: the cfg has no [settings] default, setup.py no entry point")
    files = with_entry_points(files, module)
    commit = read_commit(project.folder, builder.copied or files.keys())
    about: dict[str, Any] = {
        "builder": BUILDER,
        "commit": commit and commit.id,
        "dirty": commit and commit.dirty,
    }
    notes = [
        f"Warning: {name} looks like a secret and stays here (a line !{name} in {IGNORE_FILE} lets it travel)"
        for name in left
    ]
    included = Included({}, [])
    if dependencies is not None:
        included = _include(builder, needed(project.folder, files), dependencies)
        files = {**included.files, **files}
        about |= {"dependencies": included.pins, **dependencies.record()}
    elif note := missing_note(project.folder, files, scrapy=project.cfg_names == ("scrapy.cfg",)):
        notes.append(note)
    listed = list_spiders(files, module, workdir, project, included)
    files = with_record(files, listed.spiders, about)
    built = Built(egg_bytes(files), listed.spiders, notes + listed.notes)
    (workdir / "project.egg").write_bytes(built.data)
    return built


def _with_settings(files: dict[str, bytes], project: Project) -> dict[str, bytes]:
    """Return the files of a wheel; a backend looks for packages by its own rules, and may have found none."""
    module = settings_module(files.get(ENTRY_POINTS, b"")) or project.settings_module or ""
    path = module.replace(".", "/")
    if not any(name.startswith((f"{path}.", f"{path}/")) for name in files):
        raise BuildError(
            f"the settings {module} are not in the wheel that pyproject.toml makes: "
            "say there which packages are in it"
        )
    return files


def _include(builder: Builder, lines: list[str] | None, platform: Platform) -> Included:
    if lines is None:
        raise TargetError("Missing requirements.txt")
    return builder.install(lines, platform)


def _pack(project: Project, folder: Path, builder: Builder) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of the egg, and the keys and passwords left at home.

    A [build-system] is how a pyproject.toml says that the project is to be built, and by what. One without
    it, with a [project] or not, is for tools and for dependencies, as uv understands it, and its packages
    are packed as they lie there: setuptools, the default of PEP 517, would leave their data files at home.
    """
    if (folder / "setup.py").is_file():
        return builder.by_setup(), builder.left
    pyproject = read_pyproject(folder)
    if "build-system" in pyproject:
        return _with_settings(builder.by_backend(), project), builder.left
    module = project.settings_module
    if module is None:
        raise BuildError(
            f"no [settings] default = PACKAGE.settings in the {project.cfg_names[-1]} of {folder}"
        )
    files, left = project_files(folder, module)
    return project_metadata(files, module, pyproject.get("project", {})), left


@dataclass(frozen=True)
class Listed:
    """Names of spiders, None where they could not be listed, and lines that a person should read."""

    spiders: list[str] | None
    notes: list[str]


def list_spiders(files: Files, module: str, workdir: Path, project: Project, included: Included) -> Listed:
    """List the spiders as Scrapyd will: in their own process, from the egg, far from the project.

    For what is compiled for another platform stands what is installed here; without it nothing is listed.

    Raises:
        BrokenProjectError: the settings, or all modules with spiders, can't be imported.
    """
    root = workdir / "egg"
    for name, content in files.items():
        if name in included.foreign:
            continue
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    answer = _ask_lister(root, module, project)
    if "skipped" in answer:
        return Listed(None, [f"{_NOT_LISTED}: {answer['skipped']}"])
    failures = answer.get("failures", [])
    for text in (answer.get("error", ""), *failures):
        unknown = re.search(r"No module named '(\w+)", text)
        if unknown and unknown[1] in included.modules():
            return Listed(None, [f"{_NOT_LISTED}: {unknown[1]} in the egg is for another platform"])
    if "error" in answer or (failures and not answer["spiders"]):
        text = answer.get("error") or failures[0]
        more = f" (and {len(failures) - 1} more spider modules fail)" if len(failures) > 1 else ""
        raise BrokenProjectError(f"the project can't be imported: {text}{more}")
    notes = [f"Warning: a spider module is left out: {failure}" for failure in failures]
    notes += [f"Warning: {text}" for text in answer.get("warnings", [])]
    if not answer["spiders"]:
        notes.append(
            "Warning: the project has no spiders (SPIDER_MODULES in its settings names where they are)"
        )
    return Listed(list(answer["spiders"]), notes)


def _ask_lister(root: Path, module: str, project: Project) -> dict[str, Any]:
    elsewhere = root.parent / "cwd"
    elsewhere.mkdir()
    result = root.parent / "spiders.json"
    project_paths = {"", ".", str(Path.cwd()), str(project.folder)}
    asked = {
        "root": str(root),
        "module": module,
        # a project that is only complete with the folder it was built in would fail on the server
        "path": [path for path in sys.path if path not in project_paths],
        "needs_scrapy": project.cfg_names == ("scrapy.cfg",),
        "result": str(result),
    }
    script = Path(__file__).with_name("listing.py")
    try:
        done = subprocess.run(  # noqa: S603 our own script
            [sys.executable, "-I", "-B", str(script)],
            cwd=elsewhere,
            input=json.dumps(asked).encode(),
            capture_output=True,
            check=False,
            timeout=LIST_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise BrokenProjectError(f"the project's import has not ended in {LIST_TIMEOUT_S} seconds") from None
    if not result.is_file():
        said = (done.stderr or done.stdout).decode(errors="replace")
        raise BrokenProjectError(f"the project's import ends Python: {last_reason(said, done.returncode)}")
    answer: dict[str, Any] = json.loads(result.read_bytes())
    return answer
