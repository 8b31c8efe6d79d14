"""The command line `aioscrapy`: finds the command, gives it the settings, turns errors into one line."""

import argparse
import importlib
import logging
import pkgutil
import sys
import traceback
from types import ModuleType
from typing import NoReturn

from aioscrapy import commands
from aioscrapy.exceptions import AioscrapyError, ConfigError
from aioscrapy.project import project_settings, settings_here
from aioscrapy.settings import Settings
from aioscrapy.version import __version__


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    arguments = sys.argv[1:] if argv is None else argv
    options: argparse.Namespace | None = None
    try:
        options = _parse(arguments)
        return int(options.run(options) or 0)
    except AioscrapyError as exc:
        if _wants_traceback(arguments):
            traceback.print_exc()
        print(f"aioscrapy: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aioscrapy: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1


def execute(argv: list[str] | None = None) -> NoReturn:
    """Run a command line that begins with the program's name, and exit; for scripts, as in Scrapy."""
    sys.exit(main(None if argv is None else argv[1:]))


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Load only the command that is asked for: the others' imports would slow down every job."""
    name = arguments[0] if arguments else ""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    if name in names:
        command = _command(name)
        parser = argparse.ArgumentParser(prog=f"aioscrapy {name}", description=command.__doc__)
        command.configure(parser)
        if getattr(command, "SETTINGS", True):
            _add_setting_options(parser)
        options = parser.parse_args(arguments[1:])
        if getattr(command, "SETTINGS", True):
            options.settings = _settings(command, options)
        options.run = command.run
        return options
    parser = argparse.ArgumentParser(
        prog="aioscrapy", description="Crawl web sites, alone or together through Redis."
    )
    parser.add_argument("--version", action="version", version=f"aioscrapy {__version__}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each in names:
        choices.add_parser(each, help=_first_line(each))
    return parser.parse_args(arguments or ["--help"])


def _command(name: str) -> ModuleType:
    return importlib.import_module(f"{commands.__name__}.{name}")


def _first_line(name: str) -> str:
    return (_command(name).__doc__ or "").partition("\n")[0]


def _add_setting_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")
    group.add_argument("-s", "--set", action="append", default=[], metavar="NAME=VALUE", help="set a setting")
    group.add_argument("-L", "--loglevel", metavar="LEVEL", help="least level that is logged")
    group.add_argument("--logfile", metavar="FILE", help="write the log to FILE")
    group.add_argument("--nolog", action="store_true", help="write no log")


def _settings(command: ModuleType, options: argparse.Namespace) -> Settings:
    settings = project_settings() if getattr(command, "PROJECT", False) else settings_here()
    for pair in options.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"-s {pair}: write it as NAME=VALUE")
        settings.set(name, value, "cmdline")
    if options.logfile:
        settings.set("LOG_FILE", options.logfile, "cmdline")
    if options.loglevel:
        settings.set("LOG_LEVEL", options.loglevel.upper(), "cmdline")
    if options.nolog:
        settings.set("LOG_ENABLED", False, "cmdline")
    return settings


def _wants_traceback(arguments: list[str]) -> bool:
    return logging.getLogger().isEnabledFor(logging.DEBUG) and any(
        word.upper().endswith("DEBUG") for word in arguments
    )


if __name__ == "__main__":
    sys.exit(main())
