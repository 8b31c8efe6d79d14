"""Open a Python prompt on a page, with the names response, fetch, view and so on."""

import argparse
import sys
from typing import Any

from aioscrapy.fetching import Background, Fetcher, request_of, spider_for
from aioscrapy.settings import Settings
from aioscrapy.shell import Shell
from aioscrapy_deploy.terminal.text import printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", metavar="URL|FILE", nargs="?", help="page to fetch first")
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this code, print its value, and exit")
    parser.add_argument("--spider", metavar="SPIDER", help="use the settings and middlewares of this spider")
    parser.add_argument("--no-redirect", action="store_true", help="don't follow redirects of the first page")


def run(options: argparse.Namespace) -> int:
    """Fetch the page, then read and run lines; return 1 if there is no page for the code of -c."""
    settings: Settings = options.settings
    with_quiet_log(settings)
    request = request_of(options.url) if options.url else None
    fetcher = Fetcher(settings, spider_for(settings, options.spider, request))
    loop = Background()
    try:
        loop.run(fetcher.__aenter__())
        try:
            return _open(Shell(fetcher, loop), fetcher, request, options)
        finally:
            loop.run(fetcher.__aexit__())
    finally:
        loop.close()


def with_quiet_log(settings: Settings) -> None:
    """On a terminal log only errors, unless a level was chosen for this command."""
    from aioscrapy.log import configure_logging

    if sys.stderr.isatty() and (settings.getpriority("LOG_LEVEL") or 0) < settings_priority("cmdline"):
        settings.set("LOG_LEVEL", "ERROR", "cmdline")
    configure_logging(settings)


def settings_priority(layer: str) -> int:
    """Return the number of a layer of settings."""
    from aioscrapy.settings import PRIORITIES

    return PRIORITIES[layer]


def _open(shell: Shell, fetcher: Fetcher, request: Any, options: argparse.Namespace) -> int:
    shell.set_page(None, None, fetcher.spider, fetcher.context)
    if request is not None:
        shell.fetch(request, redirect=not options.no_redirect)
    if options.code:
        if request is not None and shell.vars["response"] is None:
            return 1  # the error is on standard error
        result = shell.evaluate(options.code)
        print(printable(str(result)) if sys.stdout.isatty() else result)
        return 0
    shell.print_help()
    shell.prompt()
    return 0
