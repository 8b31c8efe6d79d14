"""The command line `aioscrapy`: finds the command, gives it the settings, turns errors into one line."""

import argparse
import difflib
import errno
import importlib
import re
import sys
import traceback
from contextlib import ExitStack, suppress
from functools import partial
from types import ModuleType
from typing import NoReturn

from aioscrapy.command_parser import CommandParser, add_process_options, open_files
from aioscrapy.doors.scrapy import serve_scrapy
from aioscrapy.ends import error_text
from aioscrapy.exceptions import AioscrapyError, CrawlError, UsageError
from aioscrapy.project import project_settings, settings_here
from aioscrapy.scrapy_redis_settings import understand_scrapy_redis
from aioscrapy.settings import Settings
from aioscrapy.standard_files import open_standard_files
from aioscrapy.version import __version__
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.option_types import name_value_of

# A command is a module of aioscrapy_deploy.operate if it is in OPERATE, the one in ELSEWHERE, or a module of
# aioscrapy.commands.
OPERATE = (
    "targets",
    "projects",
    "spiders",
    "versions",
    "activate",
    "schedule",
    "jobs",
    "log",
    "cancel",
    "status",
)
ELSEWHERE = {"node": "aioscrapy_scrapyd.node_command"}
# The groups of the help, in its order.
GROUPS = {
    "Project": ("startproject", "genspider", "list", "settings", "doctor", "quickstart"),
    "Run crawls": ("crawl", "runspider", "redis"),
    "Write spiders": ("shell", "fetch", "view", "parse", "check", "edit", "bench"),
    "Crawls in Redis": ("crawls", "push", "failed", "items"),
    "Scrapyd servers": ("node", "deploy", *OPERATE),
    "Program": ("completion", "version"),
}


def main(argv: list[str] | None = None, settings: Settings | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    `settings` take the place of those of the project.
    """
    arguments = sys.argv[1:] if argv is None else argv
    open_standard_files()
    try:
        options = parse(arguments, settings)
        with ExitStack() as files:
            open_files(options, files)
            status = _run(options)
            with suppress(ValueError, AttributeError):  # the project's code has closed or replaced it
                sys.stdout.flush()
            return status
    except AioscrapyError as exc:
        if _wants_traceback(arguments):
            traceback.print_exc()
        report(str(exc), program="aioscrapy")
        return 1
    except UsageError as exc:
        report(f"error: {exc}", program="aioscrapy")
        return 2
    except KeyboardInterrupt:
        report("interrupted", program="aioscrapy")
        return 130
    except BrokenPipeError:
        return 1
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        report(f"can't write: {exc}", program="aioscrapy")
        return 1


def _run(options: argparse.Namespace) -> int:
    """Return the exit status of a command.

    Raises:
        CrawlError: the project's code raised SystemExit without a status: the command is not complete.
        SystemExit: it named a status, or the command is one of the project, which ends as it likes.
    """
    try:
        return int(options.run(options) or 0)
    except SystemExit as exc:
        if exc.code or not hasattr(options, "settings"):
            raise
        raise CrawlError(f"the project's code ended the command: {error_text(exc)}") from exc


def parse(arguments: list[str], settings: Settings | None = None) -> argparse.Namespace:
    """Return the options of a command line without the program's name; `run(options)` runs the command.

    Loads only the command that is named: the imports of the others would slow down every job.

    Raises:
        AioscrapyError: the project's settings can't be loaded.
        SystemExit: wrong usage, or the help was printed.
    """
    name = arguments[0] if arguments else ""
    if name not in _names():
        if name and not name.startswith("-"):
            return _of_project(name, arguments[1:])
        parser = _overview()
        parser.add_argument("command", metavar="COMMAND", choices=_names(), help="one of the commands below")
        return parser.parse_args(arguments or ["--help"])
    command = _command(name)
    parser = CommandParser(prog=f"aioscrapy {name}", description=command.__doc__)
    _configure(name, parser)
    options = parser.parse_args(arguments[1:])
    if _takes_settings(name):
        serve_scrapy()  # before the first line of the project's code
        options.settings = _settings(command, options, settings)
    options.run = command.run
    options.whole_parser = whole_parser
    return options


def _of_project(name: str, arguments: list[str]) -> argparse.Namespace:
    """Return the options of a command of the project (COMMANDS_MODULE).

    Raises:
        SystemExit: the command does not exist; a line with similar names was printed.
    """
    from aioscrapy.project_command import project_commands, run_command

    serve_scrapy()
    settings = settings_here()
    commands = project_commands(settings)
    if name not in commands:
        close = difflib.get_close_matches(name, {*_names(), *commands}, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else "see aioscrapy --help"
        report(f"no command {name!r}; {hint}", program="aioscrapy")
        raise SystemExit(2)
    understand_scrapy_redis(settings)
    run = partial(run_command, commands[name], name, arguments, settings)
    return argparse.Namespace(run=lambda options: run())


def execute(argv: list[str] | None = None, settings: Settings | None = None) -> NoReturn:
    """Run a command line that begins with the program's name, and exit; for scripts, as in Scrapy."""
    sys.exit(main(None if argv is None else argv[1:], settings))


def whole_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands with all their options; loads every command."""
    parser = _overview()
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _names():
        _configure(name, choices.add_parser(name, help=_first_line(name)))
    return parser


def _overview() -> argparse.ArgumentParser:
    parser = _Overview(
        prog="aioscrapy",
        description="Crawl web sites, in one process or in many that share a crawl, on this machine or on "
        "Scrapyd servers.",
    )
    parser.add_argument("--version", action="version", version=f"aioscrapy {__version__}")
    return parser


class _Overview(CommandParser):
    """Loads the commands for their first lines only when the help is asked for."""

    def format_help(self) -> str:
        groups = {title: {name: _first_line(name) for name in names} for title, names in GROUPS.items()}
        if own := _own_commands():
            groups["This project"] = own
        self.epilog = "\n\n".join(
            "\n".join([f"{title}:", *(f"  {name:<13} {line}" for name, line in group.items())])
            for title, group in groups.items()
        )
        return f"{super().format_help()}\nRun `aioscrapy COMMAND -h` for the options of a command.\n"


def _own_commands() -> dict[str, str]:
    """Return the commands of the project and of installed packages, with one line about each."""
    from aioscrapy.project_command import project_commands

    serve_scrapy()
    try:
        return {name: command().short_desc() for name, command in project_commands(settings_here()).items()}
    except Exception:  # noqa: BLE001 a broken project must not hide the help
        return {}


def _configure(name: str, parser: argparse.ArgumentParser) -> None:
    _command(name).configure(parser)
    if _takes_settings(name):
        _add_setting_options(parser)


def _names() -> list[str]:
    return sorted(name for group in GROUPS.values() for name in group)


def _command(name: str) -> ModuleType:
    package = "aioscrapy_deploy.operate" if name in OPERATE else "aioscrapy.commands"
    return importlib.import_module(ELSEWHERE.get(name, f"{package}.{name}"))


def _takes_settings(name: str) -> bool:
    """Return whether -s, -L and the rest mean the project's settings; Scrapyds have options of their own."""
    return name not in OPERATE and getattr(_command(name), "SETTINGS", True)


def _first_line(name: str) -> str:
    return (_command(name).__doc__ or "").partition("\n")[0]


def _add_setting_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")
    group.add_argument(
        "-s",
        "--set",
        action="append",
        default=[],
        type=name_value_of("-s"),
        metavar="NAME=VALUE",
        help="set a setting",
    )
    group.add_argument("-L", "--loglevel", metavar="LEVEL", help="lowest level that is logged")
    group.add_argument("--logfile", metavar="FILE", help="write the log to FILE")
    group.add_argument("--nolog", action="store_true", help="don't log")
    add_process_options(group)


def _settings(command: ModuleType, options: argparse.Namespace, own: Settings | None) -> Settings:
    settings = own or (project_settings() if getattr(command, "PROJECT", False) else settings_here())
    for name, value in options.set:
        settings.set(name, value, "cmdline")
    if options.logfile:
        settings.set("LOG_FILE", options.logfile, "cmdline")
    if options.loglevel:
        settings.set("LOG_LEVEL", options.loglevel.upper(), "cmdline")
    if options.nolog:
        settings.set("LOG_ENABLED", False, "cmdline")
    understand_scrapy_redis(settings)
    if getattr(command, "CHECK", True):
        settings.check()
    return settings


def _wants_traceback(arguments: list[str]) -> bool:
    """Return whether a log level of DEBUG is asked for, in any way that argparse accepts."""
    words = "\0".join(["", *arguments, ""])
    level = r"\0(-L\0?|--loglevel[=\0]|(-s\0?|--set[=\0])LOG_LEVEL=)DEBUG\0"
    return re.search(level, words, re.IGNORECASE) is not None


if __name__ == "__main__":
    sys.exit(main())
