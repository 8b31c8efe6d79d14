"""Commands of a project: classes in COMMANDS_MODULE, with the interface of Scrapy's commands."""

import argparse
import importlib
import inspect
import pkgutil
from contextlib import ExitStack
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from aioscrapy.command_parser import CommandParser, add_process_options, open_files
from aioscrapy.commands.crawl import add_feeds
from aioscrapy.commands.runspider import spider_in
from aioscrapy.exceptions import ConfigError, SettingError, UsageError
from aioscrapy.process import CrawlerProcess
from aioscrapy.settings import Settings
from aioscrapy_deploy.terminal.option_types import name_value_of

# Groups of entry points by which packages add commands.
_GROUPS = ("scrapy.commands", "aioscrapy.commands")


class ScrapyCommand:
    """A command of a project: a module NAME.py in COMMANDS_MODULE has a subclass of this.

    Attributes:
        requires_project: it works only in a project.
        requires_crawler_process: it needs `crawler_process`.
        default_settings: settings of this command; those of the project win.
        exitcode: the exit status.
        settings: set before `add_options`.
        crawler_process: set before `run`; it has `crawl` and `start`.
    """

    requires_project = False
    requires_crawler_process = True
    crawler_process: Any = None
    default_settings: ClassVar[dict[str, Any]] = {}
    exitcode = 0

    def __init__(self) -> None:
        self.settings: Any = None

    def set_crawler(self, crawler: Any) -> None:
        """Set the crawler; older commands call it."""
        self._crawler = crawler

    def syntax(self) -> str:
        """Return the arguments, for the help."""
        return ""

    def short_desc(self) -> str:
        """Return one line about the command."""
        return ""

    def long_desc(self) -> str:
        """Return the text of the help."""
        return self.short_desc()

    def help(self) -> str:
        """Return the text of the help, for older commands."""
        return self.long_desc()

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options; a subclass calls this first."""
        group = parser.add_argument_group("Global Options")
        group.add_argument("--logfile", metavar="FILE", help="write the log to FILE")
        group.add_argument("-L", "--loglevel", metavar="LEVEL", help="lowest level that is logged")
        group.add_argument("--nolog", action="store_true", help="don't log")
        group.add_argument(
            "-s", "--set", action="append", default=[], metavar="NAME=VALUE", help="set a setting"
        )
        add_process_options(group)

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Apply the options.

        Raises:
            UsageError: an option can't be used.
        """
        for pair in opts.set:
            self.settings.set(*_pair(pair, "-s"), priority="cmdline")
        for name, value in (("LOG_FILE", opts.logfile), ("LOG_LEVEL", opts.loglevel)):
            if value:
                self.settings.set(name, value, priority="cmdline")
        if opts.nolog:
            self.settings.set("LOG_ENABLED", False, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the command."""
        raise NotImplementedError(f"{type(self).__name__}.run is not defined")


class BaseRunSpiderCommand(ScrapyCommand):
    """A command that crawls: it has the options -a, -o and -O."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "-a", dest="spargs", action="append", default=[], metavar="NAME=VALUE", help="spider argument"
        )
        parser.add_argument("-o", "--output", action="append", default=[], help="append items to FILE")
        parser.add_argument(
            "-O", "--overwrite-output", action="append", default=[], help="write items to FILE"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        opts.spargs = dict(_pair(pair, "-a") for pair in opts.spargs)
        add_feeds(self.settings, opts)


class CrawlCommand(BaseRunSpiderCommand):
    """The command `crawl` as a class, to derive from: Scrapy's scrapy.commands.crawl.Command."""

    def syntax(self) -> str:
        return "[options] SPIDER"

    def short_desc(self) -> str:
        return "Run a spider"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError
        self._crawl(args[0], opts)

    def _crawl(self, spider: Any, opts: argparse.Namespace) -> None:
        self.crawler_process.crawl(spider, **opts.spargs)
        self.crawler_process.start()
        ends = [crawler.end for crawler in self.crawler_process.crawlers]
        self.exitcode = max((end.exit_status for end in ends if end is not None), default=1)


class RunSpiderCommand(CrawlCommand):
    """The command `runspider` as a class, to derive from: Scrapy's scrapy.commands.runspider.Command."""

    requires_project = False

    def syntax(self) -> str:
        return "[options] FILE"

    def short_desc(self) -> str:
        return "Run the spider in a file"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError
        self._crawl(spider_in(args[0]), opts)


def project_commands(settings: Settings) -> dict[str, type[Any]]:
    """Return the commands of installed packages, and those in COMMANDS_MODULE: name -> class.

    A command whose module can't be imported says so when it is run; the others work.

    Raises:
        SettingError: COMMANDS_MODULE can't be imported.
    """
    commands = {
        point.name: _command_of_package(point) for group in _GROUPS for point in entry_points(group=group)
    }
    package = settings["COMMANDS_MODULE"]
    if not package:
        return commands
    try:
        module = importlib.import_module(package)
    except Exception as exc:
        raise SettingError("COMMANDS_MODULE", f"{package!r}: {type(exc).__name__}: {exc}") from exc
    names = [info.name for info in pkgutil.iter_modules(getattr(module, "__path__", ()))]
    own = {name: _command_in(f"{package}.{name}") for name in names}
    return commands | {name: command for name, command in own.items() if command is not None}


def run_command(command_class: type[Any], name: str, arguments: list[str], settings: Settings) -> int:
    """Run a command of a project; return its exit status.

    Raises:
        ConfigError: the command refuses its arguments.
    """
    command = command_class()
    settings.setdict(command.default_settings, "command")
    command.settings = settings
    parser = CommandParser(
        prog=f"aioscrapy {name}",
        usage=f"aioscrapy {name} {command.syntax()}",
        description=command.long_desc(),
        conflict_handler="resolve",
    )
    command.add_options(parser)
    options, rest = parser.parse_known_args(arguments)
    try:
        command.process_options(rest, options)
        if command.requires_crawler_process:
            command.crawler_process = CrawlerProcess(settings)
        with ExitStack() as files:
            open_files(options, files)
            command.run(rest, options)
    except UsageError as exc:
        if not str(exc):
            if exc.print_help:
                parser.print_help()
            return 2
        raise ConfigError(str(exc)) from None
    return int(command.exitcode or 0)


def _command_of_package(point: EntryPoint) -> type[Any]:
    try:
        command = point.load()
    except Exception as exc:  # noqa: BLE001 the other commands work
        return _unusable(ConfigError(f"{point.value!r} can't be imported: {type(exc).__name__}: {exc}"))
    if isinstance(command, type):
        return command
    return _unusable(ConfigError(f"the entry point {point.name} = {point.value} is not a class of a command"))


def _command_in(path: str) -> type[Any] | None:
    try:
        return _command_of(importlib.import_module(path))
    except Exception as exc:  # noqa: BLE001 the other commands of the project work
        text = f"{path!r} can't be imported: {type(exc).__name__}: {exc}"
        return _unusable(SettingError("COMMANDS_MODULE", text))


def _unusable(error: ConfigError) -> type[ScrapyCommand]:
    """Return a command that raises this error when it is run."""

    class Unusable(ScrapyCommand):
        requires_crawler_process = False

        def short_desc(self) -> str:
            return str(error)

        def run(self, args: list[str], opts: argparse.Namespace) -> None:
            raise error

    return Unusable


def _command_of(module: Any) -> type[Any] | None:
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, ScrapyCommand) and value.__module__ == module.__name__
    ]
    return classes[0] if classes else None


def _pair(text: str, option: str) -> tuple[str, str]:
    try:
        return name_value_of(option)(text)
    except argparse.ArgumentTypeError as exc:
        raise UsageError(str(exc)) from None
