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

GROUPS = {
    "a project": ("startproject", "genspider", "list", "settings", "quickstart"),
    "crawls here": ("crawl", "runspider", "redis"),
    "crawls in Redis": ("crawls", "push", "failed", "items"),
    "Scrapyd servers": (
        *("deploy", "targets", "projects", "spiders", "versions"),
        *("schedule", "jobs", "log", "cancel", "status"),
    ),
    "this program": ("completion", "version"),
}  # as the help shows them


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


def whole_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands with all their options; loads every command."""
    parser = _overview()
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _names():
        _configure(name, choices.add_parser(name, help=_first_line(name)))
    return parser


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Load only the command that is asked for: the others' imports would slow down every job."""
    name = arguments[0] if arguments else ""
    if name not in _names():
        parser = _overview()
        parser.add_argument("command", metavar="COMMAND", choices=_names(), help="one of those below")
        return parser.parse_args(arguments or ["--help"])
    command = _command(name)
    parser = argparse.ArgumentParser(
        prog=f"aioscrapy {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # examples stay in lines
    )
    _configure(name, parser)
    options = parser.parse_args(arguments[1:])
    if getattr(command, "SETTINGS", True):
        options.settings = _settings(command, options)
    options.run = command.run
    options.whole_parser = whole_parser
    return options


def _overview() -> argparse.ArgumentParser:
    parser = _Overview(
        prog="aioscrapy",
        description="Crawl web sites, alone or together through Redis, here or on Scrapyd servers.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aioscrapy {__version__}")
    return parser


class _Overview(argparse.ArgumentParser):
    """Loads the commands for their first lines only when the help is asked for."""

    def format_help(self) -> str:
        self.epilog = "\n\n".join(
            "\n".join([f"{title}:", *(f"  {name:<13} {_first_line(name)}" for name in group)])
            for title, group in GROUPS.items()
        )
        return f"{super().format_help()}\naioscrapy COMMAND -h shows the options of a command.\n"


def _configure(name: str, parser: argparse.ArgumentParser) -> None:
    command = _command(name)
    command.configure(parser)
    if getattr(command, "SETTINGS", True):
        _add_setting_options(parser)


def _names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


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
