"""Open the file of a spider in your editor (EDITOR)."""

import argparse
import inspect
import os
import shlex
import subprocess
import sys

from aioscrapy.exceptions import ConfigError
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader

PROJECT = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("spider", metavar="SPIDER", help="name of the spider")


def run(options: argparse.Namespace) -> int:
    """Run the editor of the setting or the variable EDITOR, else vi.

    Raises:
        ConfigError: the editor can't be started.
    """
    spider_class = SpiderLoader(options.settings).load(options.spider)
    file = inspect.getsourcefile(sys.modules[spider_class.__module__]) or ""
    return open_editor(file, options.settings)


def open_editor(file: str, settings: Settings) -> int:
    """Run the editor with a file; return its exit status.

    Raises:
        ConfigError: the editor can't be started.
    """
    editor = settings["EDITOR"] or os.environ.get("EDITOR") or "vi"
    try:
        return subprocess.run([*shlex.split(editor), file], check=False).returncode  # noqa: S603 the user's own
    except OSError as exc:
        raise ConfigError(f"the editor {editor!r} can't be started: {exc.strerror} (set EDITOR)") from None
