"""Download a page as a spider would, and write it to standard output."""

import argparse
import asyncio
import sys

from aioscrapy.commands.shell import with_quiet_log
from aioscrapy.fetching import Fetcher, request_of, spider_for
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import TextResponse
from aioscrapy_deploy.terminal.text import printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fetch_options(parser)
    parser.add_argument("--headers", action="store_true", help="write the headers instead of the body")


def run(options: argparse.Namespace) -> int:
    """Write the body, or the headers of the request (>) and of the response (<).

    A terminal gets the control characters of a page in a readable form, a file the bytes as they are.
    """
    response = fetched(options)
    if options.headers:
        request = response.request
        _print_headers(">", request.headers if request is not None else Headers())
        print(">")
        _print_headers("<", response.headers)
    elif sys.stdout.isatty():
        text = (
            response.text if isinstance(response, TextResponse) else response.body.decode("utf-8", "replace")
        )
        print(printable(text.replace("\r\n", "\n")))
    else:
        sys.stdout.buffer.write(response.body)
        sys.stdout.buffer.flush()
    return 0


def add_fetch_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of commands that fetch one page."""
    parser.add_argument("url", metavar="URL", help="page to fetch")
    parser.add_argument("--spider", metavar="SPIDER", help="use the settings and middlewares of this spider")
    parser.add_argument("--no-redirect", action="store_true", help="don't follow redirects")


def fetched(options: argparse.Namespace) -> Response:
    """Return the response for the options of `add_fetch_options`.

    Raises:
        DownloadError: there is no response.
    """
    with_quiet_log(options.settings)
    request = request_of(options.url)
    if options.no_redirect:
        request.meta["dont_redirect"] = True

    async def fetch(request: Request) -> Response:
        async with Fetcher(
            options.settings, spider_for(options.settings, options.spider, request)
        ) as fetcher:
            return await fetcher.fetch(request)

    return asyncio.run(fetch(request))


def _print_headers(sign: str, headers: Headers) -> None:
    for name, values in headers.items():
        for value in values:
            print(printable(f"{sign} {name.decode('latin-1')}: {value.decode('latin-1')}"))
