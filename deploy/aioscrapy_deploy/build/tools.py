"""The programs that a build needs, run in a copy of the project: its setup.py, its backend, pip."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from aioscrapy_deploy.build.dependencies import FILE, Included, as_requirements, read_installed
from aioscrapy_deploy.build.platforms import HERE, Platform
from aioscrapy_deploy.build.programs import run_python
from aioscrapy_deploy.build.tree import IGNORE_FILE, LeftOut, copy_tree
from aioscrapy_deploy.build.wheel import egg_files
from aioscrapy_deploy.eggs.format import read_egg, without_bytecode
from aioscrapy_deploy.eggs.metadata import stable_metadata
from aioscrapy_deploy.errors import BuildError

_PIP = ("-P", "-m", "pip")
_NO_REASON = (
    "ERROR: Exception:",
    "ERROR: ResolutionImpossible",
)  # pip's lines before or after the reason
_NEEDS = {"setup.py": "setuptools", "pyproject.toml": "pip", "pip": "pip"}


class Tools:
    """Runs programs in a copy of the project, which is made when the first one needs it.

    Attributes:
        copied: the paths of the files that are in the copy.
        left_out: what is not.
    """

    def __init__(self, folder: Path, workdir: Path, *, verbose: bool) -> None:
        self._folder = folder
        self._workdir = workdir
        self._copy = workdir / "tree"
        self._verbose = verbose
        self.copied: set[str] = set()
        self.left_out = LeftOut([], [])

    def by_setup(self) -> dict[str, bytes]:
        """Let the project's setup.py build an egg, and return its files in the form that we write."""
        out = self._workdir / "out"
        self._run("setup.py", ["setup.py", "bdist_egg", "-d", str(out)])
        return self._result(out, "*.egg", "setup.py")

    def by_backend(self) -> dict[str, bytes]:
        """Let the backend that pyproject.toml names build a wheel, and return its files as an egg's."""
        out = self._workdir / "out"
        self._run("pyproject.toml", [*_PIP, "wheel", "--no-deps", "--wheel-dir", str(out), "."])
        return self._result(out, "*.whl", "pyproject.toml")

    def install(self, lines: Sequence[str], platform: Platform) -> Included:
        """Let pip install what these lines of a requirements.txt name, as it is for a platform."""
        if not any(line.strip() for line in lines):
            return Included({}, [])
        self._make_copy()
        (self._copy / FILE).write_text(as_requirements(lines), encoding="utf-8")
        out = self._workdir / "requirements"
        pip = _PIP
        if platform != HERE:
            script = Path(__file__).with_name("pip_elsewhere.py")
            pip = ("-P", str(script), json.dumps(platform.markers()))
        options = ["--no-compile", "--upgrade", "--target", str(out), *platform.pip_options()]
        try:
            self._run("pip", [*pip, "install", *options, "-r", FILE])
        except BuildError as exc:
            missing = re.search(r"ERROR: No matching distribution found for (.+)$", str(exc))
            if missing is None or platform == HERE:
                raise
            raise BuildError(f"{missing[1]} has no wheel for {platform}, as far as pip can see") from exc
        return read_installed(out)

    def _result(self, out: Path, pattern: str, maker: str) -> dict[str, bytes]:
        results = sorted(out.glob(pattern))
        if not results:
            raise BuildError(f"{maker} failed: it has made no {pattern[2:].replace('whl', 'wheel')}")
        files = read_egg(results[0].read_bytes(), f"the result of {maker}")
        if maker == "pyproject.toml":
            files = egg_files(files)
        return stable_metadata(without_bytecode(files))

    def _make_copy(self) -> None:
        if not self._copy.exists():
            self._copy.mkdir()
            self.copied, self.left_out = copy_tree(self._folder, self._copy)

    def _run(self, name: str, arguments: list[str]) -> None:
        self._make_copy()
        if name in self.left_out.links:
            raise BuildError(
                f"{name} is a link that leads out of the project and is not packed "
                f"(a line !{name} in {IGNORE_FILE} packs it)"
            )
        status, printed = run_python(arguments, self._copy, verbose=self._verbose)
        if status:
            printed = printed.replace(str(self._copy), str(self._folder))
            reason = _backends_reason(printed) or last_reason(printed, status)
            if re.search(rf"No module named '?{_NEEDS[name]}'?$", printed, re.MULTILINE):
                reason = f"it needs {_NEEDS[name]}, which {sys.executable} does not have"
            raise BuildError(f"{name} failed: {reason}")


def last_reason(printed: str, status: int) -> str:
    """Return the line with the reason in the output of a program that ended with `status`."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [
        line for line in lines if line.startswith(("error:", "ERROR:")) and not line.startswith(_NO_REASON)
    ]
    return (errors or lines or [f"exit status {status}"])[-1]


def _backends_reason(printed: str) -> str | None:
    """Return the error of a build backend from the frame that pip draws around it, or from pip's arrow."""
    frames = re.findall(r"\[\d+ lines of output\]\n(.*?)\[end of output\]", printed, re.DOTALL)
    text = frames[0] if frames else "\n".join(re.findall(r"─> (\w+Error: .*)", printed))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(error:|[\w.]*(Error|Exception|Exit)\b.*:)", line)]
    return (errors or lines)[-1] if lines else None
