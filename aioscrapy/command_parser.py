"""The parser of a command line: its help, files named -:FORMAT, and --pidfile, --profile and --pdb."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from aioscrapy.exceptions import ConfigError


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Writes examples in their lines, and "Usage" with a capital letter."""

    def add_usage(
        self, usage: str | None, actions: Iterable[Any], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)


class CommandParser(argparse.ArgumentParser):
    """A parser for which `-:json` (standard output as JSON) is a value, not an option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, **options})

    def error(self, message: str) -> NoReturn:
        """Print the usage, as Scrapy does on standard output, and the error; exit with 2."""
        self.print_usage(sys.stdout)
        self.exit(2, f"{self.prog}: error: {message}\n")

    def _parse_optional(self, arg_string: str) -> Any:
        # argparse has no public hook for this
        return None if arg_string.startswith("-:") else super()._parse_optional(arg_string)


def add_process_options(group: Any) -> None:
    """Declare the options of `open_files`, of a parser or of a group of options."""
    group.add_argument("--pidfile", metavar="FILE", help="write the id of the process to FILE")
    group.add_argument("--pdb", action="store_true", help="open the debugger at an error that is logged")
    group.add_argument("--profile", metavar="FILE", help="write a profile of cProfile to FILE at the end")


def open_files(options: argparse.Namespace, files: ExitStack) -> None:
    """Write the file of --pidfile; begin the profile of --profile, which ends with the command.

    Raises:
        ConfigError: a file can't be written.
    """
    pidfile, profile = (getattr(options, name, None) for name in ("pidfile", "profile"))
    try:
        if pidfile:
            Path(pidfile).write_text(f"{os.getpid()}\n", "utf-8")
        if profile:
            Path(profile).touch()
    except OSError as exc:
        raise ConfigError(f"{exc.filename} can't be written: {exc.strerror}") from None
    if getattr(options, "pdb", False):
        logging.getLogger().addHandler(_Debugger(logging.ERROR))
    if profile:
        from cProfile import Profile

        profiler = Profile()
        files.callback(profiler.dump_stats, profile)
        files.callback(profiler.disable)
        profiler.enable()


class _Debugger(logging.Handler):
    """Opens the debugger (ipdb if it is installed) where the exception of a log record was raised."""

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.exc_info, tuple) and (trace := record.exc_info[2]) is not None:
            try:
                debugger = importlib.import_module("ipdb")
            except ImportError:
                debugger = importlib.import_module("pdb")
            debugger.post_mortem(trace)
