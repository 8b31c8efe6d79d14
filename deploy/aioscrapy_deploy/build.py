"""From a project's folder to an egg whose spiders have been listed; the folder stays as it was."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from aioscrapy_deploy import egg
from aioscrapy_deploy.errors import BrokenProjectError, BuildError, TargetError
from aioscrapy_deploy.targets import Project
from aioscrapy_deploy.tree import IGNORE_FILE, copy_tree, folder_files, project_files

LIST_TIMEOUT_S = 300  # Scrapyd, which lists once more, is given the same
_INSTALLERS_NOTES = re.compile(
    r"(bin|Scripts)/|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$"
)

_NEEDS = {"setup.py": "setuptools", "pip": "pip"}


@dataclass(frozen=True)
class Built:
    """An egg, the names of its spiders (None: not listed), and lines that a person should read."""

    data: bytes
    spiders: list[str] | None
    notes: list[str]


def build(project: Project, workdir: Path, *, dependencies: bool, verbose: bool) -> Built:
    """Pack a project: directly, or by its own setup.py in a copy; then list its spiders.

    `workdir` is an empty folder for all that arises. With `verbose` what builders print goes to standard
    error as it comes, else its last line into the error.

    Raises:
        BuildError: it can't be packed.
        BrokenProjectError: the settings, or all modules with spiders, can't be imported.
        TargetError: there is no cfg file, or no requirements.txt where dependencies are asked for.
    """
    if project.folder is None:
        raise TargetError("Error: to build an egg there must be an aioscrapy.cfg or scrapy.cfg here or above")
    own_setup = (project.folder / "setup.py").is_file()
    if dependencies and not (project.folder / "requirements.txt").is_file():
        raise TargetError("Error: Missing requirements.txt")
    builder = Builder(project.folder, workdir, verbose)
    files, left = (builder.by_setup(), builder.left) if own_setup else _directly(project, project.folder)
    module = egg.settings_module(files) or project.settings_module
    if module is None:
        raise BuildError(
            "Error: no settings module: the cfg has no [settings] default, setup.py no entry point"
        )
    files = egg.with_entry_points(files, module)
    if dependencies:
        files = {**builder.installed_requirements(), **files}
    listed = list_spiders(files, module, workdir, project)
    files = egg.with_record(files, listed.spiders)
    notes = [
        f"Warning: {name} looks like a secret and stays here (a line !{name} in {IGNORE_FILE} lets it travel)"
        for name in left
    ]
    built = Built(egg.egg_bytes(files), listed.spiders, notes + listed.notes)
    (workdir / "project.egg").write_bytes(built.data)
    return built


class Builder:
    """Runs the programs that a build needs, in a copy of the project."""

    def __init__(self, folder: Path, workdir: Path, verbose: bool) -> None:
        self._folder = folder
        self._workdir = workdir
        self._copy = workdir / "tree"
        self._verbose = verbose
        self.left: list[str] = []

    def by_setup(self) -> dict[str, bytes]:
        """Let the project's setup.py build an egg, and return what is in it in the form that we write."""
        out = self._workdir / "out"
        self._run("setup.py", ["setup.py", "bdist_egg", "-d", str(out)])
        found = sorted(out.glob("*.egg"))
        if not found:
            raise BuildError("Error: setup.py failed: it has made no egg")
        files = egg.read_egg(found[0].read_bytes(), "what setup.py has made")
        return egg.stable_metadata(egg.without_bytecode(files))

    def installed_requirements(self) -> dict[str, bytes]:
        """Let pip install requirements.txt into a folder, and return what is in it."""
        out = self._workdir / "requirements"
        install = [
            "install",
            "--disable-pip-version-check",
            "--no-compile",
            "--upgrade",
            "--target",
            str(out),
        ]
        self._run("pip", ["-P", "-m", "pip", *install, "-r", "requirements.txt"])
        files = egg.without_bytecode(folder_files(out)) if out.is_dir() else {}
        return {name: content for name, content in files.items() if not _INSTALLERS_NOTES.match(name)}

    def _run(self, name: str, arguments: list[str]) -> None:
        if not self._copy.exists():
            self._copy.mkdir()
            self.left = copy_tree(self._folder, self._copy)
        stream = 2 if self._verbose else subprocess.PIPE
        done = subprocess.run(  # noqa: S603 the project's own setup.py, and pip
            [sys.executable, *arguments],
            cwd=self._copy,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=2 if self._verbose else subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            printed = (
                (done.stdout or b"").decode(errors="replace").replace(str(self._copy), str(self._folder))
            )
            reason = _reason(printed, done.returncode)
            if re.search(rf"No module named '?{_NEEDS[name]}'?$", printed, re.MULTILINE):
                reason = f"it needs {_NEEDS[name]}, which {sys.executable} does not have"
            raise BuildError(f"Error: {name} failed: {reason}")


@dataclass(frozen=True)
class Listed:
    """Names of spiders, None where they could not be listed, and lines that a person should read."""

    spiders: list[str] | None
    notes: list[str]


def list_spiders(files: egg.Files, module: str, workdir: Path, project: Project) -> Listed:
    """List the spiders as Scrapyd will: in their own process, from the egg, far from the project.

    Raises:
        BrokenProjectError: the settings, or all modules with spiders, can't be imported.
    """
    root = workdir / "egg"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    answer = _ask_lister(root, module, project)
    if "skipped" in answer:
        return Listed(None, [f"Note: spiders are not listed before the upload: {answer['skipped']}"])
    failures = answer.get("failures", [])
    if "error" in answer or (failures and not answer["spiders"]):
        text = answer.get("error") or failures[0]
        more = f" (and {len(failures) - 1} more spider modules fail)" if len(failures) > 1 else ""
        raise BrokenProjectError(f"Error: the project can't be imported: {text}{more}")
    notes = [f"Warning: a spider module is left out: {failure}" for failure in failures]
    notes += [f"Warning: {text}" for text in answer.get("warnings", [])]
    if not answer["spiders"]:
        notes.append(
            "Warning: the project has no spiders (SPIDER_MODULES in its settings names where they are)"
        )
    return Listed(list(answer["spiders"]), notes)


def _directly(project: Project, folder: Path) -> tuple[dict[str, bytes], list[str]]:
    module = project.settings_module
    if module is None:
        raise BuildError(
            f"Error: no [settings] default = PACKAGE.settings in the {project.cfg_names[-1]} of {folder}"
        )
    files, left = project_files(folder, module)
    return {**files, **egg.project_metadata(files, module)}, left


def _ask_lister(root: Path, module: str, project: Project) -> dict[str, list[str]]:
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
        raise BrokenProjectError(
            f"Error: the project's import has not ended in {LIST_TIMEOUT_S} seconds"
        ) from None
    if not result.is_file():
        said = (done.stderr or done.stdout).decode(errors="replace")
        raise BrokenProjectError(f"Error: the project's import ends Python: {_reason(said, done.returncode)}")
    answer: dict[str, list[str]] = json.loads(result.read_bytes())
    return answer


def _reason(printed: str, status: int) -> str:
    """Find the line that tells most in what a program printed before it ended with `status`."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "ERROR:"))]
    return (errors or lines or [f"exit status {status}"])[-1]
