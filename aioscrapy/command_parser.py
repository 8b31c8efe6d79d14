"""The parser of a command line: the form of its help, and files named -:FORMAT."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any, NoReturn


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
