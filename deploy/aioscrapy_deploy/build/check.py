"""The check before an upload: import the project from the egg as Scrapyd will, and list its spiders."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_deploy.build.contents import EggContents
from aioscrapy_deploy.build.programs import run_python
from aioscrapy_deploy.build.tools import last_reason
from aioscrapy_deploy.cfg import Project
from aioscrapy_deploy.errors import BrokenProjectError

TIMEOUT_S = 300  # the same limit as for Scrapyd, which lists the spiders again
_NOT_LISTED = "Note: spiders are not listed before the upload"
_ADVICE = "--no-check deploys without this check"


@dataclass(frozen=True)
class Checked:
    """Names of spiders, None if they could not be listed, and lines for a person."""

    spiders: list[str] | None
    notes: list[str]


SKIPPED = Checked(None, [f"{_NOT_LISTED}: --no-check"])


def check(contents: EggContents, workdir: Path, project: Project, required: Iterable[str]) -> Checked:
    """Import settings, spiders and components in a separate process, outside of the project's folder.

    `required` are the names of the distributions that the project requires. An error that this machine
    explains (a variable that is not set, a required distribution that is not installed) is a warning: the
    server may have what is missing, and lists the spiders itself.

    Raises:
        BrokenProjectError: the settings, all modules with spiders, or a component can't be imported.
    """
    root = workdir / "egg"
    for name, content in contents.files.items():
        if name not in contents.foreign:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    answer = _ask(root, contents.module, project, required)
    if "skipped" in answer:
        return Checked(None, [f"{_NOT_LISTED}: {answer['skipped']}"])
    problems = [answer["error"]] if "error" in answer else answer["problems"]
    for problem in problems:
        if problem["missing"] in contents.foreign_modules():
            return Checked(None, [f"{_NOT_LISTED}: {problem['missing']} in the egg is for another platform"])
    spiders = answer.get("spiders", [])
    left_out = [problem for problem in problems if problem.get("spider") and spiders]
    fatal = [problem for problem in problems if problem not in left_out]
    if unexplained := [problem for problem in fatal if not problem["because"]]:
        raise BrokenProjectError(_broken(unexplained, contents, project))
    if fatal:
        return Checked(None, [_warning(problem) for problem in fatal])
    notes = [f"Warning: a spider module is left out: {_because(problem)}" for problem in left_out]
    notes += [f"Warning: {text}" for text in answer["warnings"]]
    if not spiders:
        notes.append("Warning: the project has no spiders (the setting SPIDER_MODULES names their modules)")
    # the list goes into the egg: one that is short only because of this machine must not
    complete = not any(problem["because"] for problem in left_out)
    return Checked(list(spiders) if complete else None, notes)


def _broken(problems: list[dict[str, Any]], contents: EggContents, project: Project) -> str:
    first = problems[0]
    text = f"the project can't be imported: {first['text']}"
    if len(problems) > 1:
        text += f" (and {len(problems) - 1} more modules fail)"
    names = (f"{first['missing']}.py", first["missing"]) if first["missing"] and project.folder else ()
    if beside := [name for name in names if _is_left_out(name, contents, project)]:
        text += f"; {beside[0]} is not in the egg: put it into a package of the project"
    if names and contents.left_out.links:
        text += (
            f"; links that lead out of the project are not packed: {', '.join(contents.left_out.links[:3])}"
        )
    return f"{text} ({_ADVICE})"


def _is_left_out(name: str, contents: EggContents, project: Project) -> bool:
    """Return True if the project's folder has this file or folder, and the egg does not."""
    packed = any(path == name or path.startswith(f"{name}/") for path in contents.files)
    return not packed and (Path(project.folder or ".") / name).exists()


def _warning(problem: dict[str, Any]) -> str:
    return f"Warning: the project can't be imported here: {_because(problem)}; the server checks it"


def _because(problem: dict[str, Any]) -> str:
    return f"{problem['text']} ({problem['because']})" if problem["because"] else str(problem["text"])


def _ask(root: Path, module: str, project: Project, required: Iterable[str]) -> dict[str, Any]:
    elsewhere = root.parent / "cwd"
    elsewhere.mkdir()
    result = root.parent / "spiders.json"
    project_paths = {"", ".", str(Path.cwd()), str(project.folder)}
    request = {
        "root": str(root),
        "module": module,
        # without the project's folder: the server does not have it
        "path": [path for path in sys.path if path not in project_paths],
        "needs_scrapy": project.cfg_names == ("scrapy.cfg",),
        "required": sorted(required),
        "result": str(result),
    }
    script = Path(__file__).with_name("import_project.py")
    try:
        arguments = ["-I", "-B", "-u", str(script)]
        status, printed = run_python(
            arguments, elsewhere, stdin=json.dumps(request).encode(), timeout_s=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        text = f"the project's import has not ended in {TIMEOUT_S} seconds ({_ADVICE})"
        raise BrokenProjectError(text) from None
    if not result.is_file():
        reason = last_reason(printed, status)
        raise BrokenProjectError(f"the project's import ends Python: {reason} ({_ADVICE})")
    answer: dict[str, Any] = json.loads(result.read_bytes())
    return answer
