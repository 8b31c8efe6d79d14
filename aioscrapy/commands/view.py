"""Download a page as a spider would, and open it in a browser."""

import argparse

from aioscrapy.commands.fetch import add_fetch_options, fetched
from aioscrapy.exceptions import ConfigError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fetch_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page to a file and open it.

    Raises:
        ConfigError: the response is not a page.
    """
    from aioscrapy.utils.response import open_in_browser

    response = fetched(options)
    try:
        opened = open_in_browser(response)
    except TypeError as exc:
        raise ConfigError(f"{response.url} is not a page: {exc}") from None
    if not opened:
        raise ConfigError("no browser can be started here")
    return 0
