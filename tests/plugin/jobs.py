"""Eggs made by hand, and a folder in which the runner is started exactly as Scrapyd 1.6 starts it."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from support import child_environment

RUNNER = "aioscrapy.scrapyd.runner"

SETTINGS = "BOT_NAME = 'bot'\nSPIDER_MODULES = ['bot.spiders']\n"


def spider(*names: str) -> str:
    """Return a module with a spider of each name."""
    classes = (f"class S{i}(Spider):\n    name = {name!r}\n\n" for i, name in enumerate(names))
    return "from aioscrapy import Spider\n\n" + "\n".join(classes)


def make_egg(
    modules: Mapping[str, str] | None = None,
    entry_points: str | None = "[aioscrapy]\nsettings = bot.settings\n",
) -> bytes:
    """Return the bytes of an egg with the package `bot`.

    `modules` is file name in `bot/` -> text; settings and the empty `__init__.py` files are there already.
    """
    files = {"bot/__init__.py": "", "bot/settings.py": SETTINGS, "bot/spiders/__init__.py": ""}
    files |= {f"bot/{name}": dedent(text) for name, text in (modules or {}).items()}
    files["EGG-INFO/PKG-INFO"] = "Metadata-Version: 1.0\nName: bot\nVersion: 3.1\n"
    if entry_points is not None:
        files["EGG-INFO/entry_points.txt"] = entry_points
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


class Daemon:
    """The folder, environment and pipes of a Scrapyd daemon that starts the runner; no daemon runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        (folder / "home").mkdir()
        self.env = child_environment(HOME=str(folder / "home"), AIOSCRAPY_EGG_CACHE=str(self.cache))

    def configure(self, text: str) -> None:
        """Write scrapyd.conf."""
        (self.folder / "scrapyd.conf").write_text(dedent(text))

    def store(self, egg: bytes, project: str = "p", version: str = "1", eggs: str = "eggs") -> Path:
        """Put an egg where Scrapyd's stock storage keeps it; returns its path."""
        path = self.folder / eggs / project / f"{version}.egg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(egg)
        return path

    def start(
        self, *argv: str, project: str | None = "p", version: str | None = None, **env: str
    ) -> subprocess.Popen[bytes]:
        """Start the runner as scrapyd.launcher does: pipes on all three streams."""
        variables = {**self.env, **env}
        if project is not None:
            variables["SCRAPY_PROJECT"] = project
        if version is not None:
            variables["SCRAPYD_EGG_VERSION"] = version
        return subprocess.Popen(
            [sys.executable, "-m", RUNNER, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=variables,
        )

    def run(
        self, *argv: str, project: str | None = "p", version: str | None = None, **env: str
    ) -> tuple[int, str, str]:
        """Run to the end; returns exit status, standard output and standard error."""
        process = self.start(*argv, project=project, version=version, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out.decode(), err.decode()

    def list(self, project: str | None = "p", version: str | None = None, **env: str) -> tuple[int, str, str]:
        """List spiders as scrapyd.webservice.SpiderList does."""
        return self.run(
            "list",
            "-s",
            "LOG_STDOUT=0",
            project=project,
            version=version,
            PYTHONIOENCODING="UTF-8",
            **env,
        )
