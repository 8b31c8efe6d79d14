"""The prompt of `aioscrapy shell`, and `inspect_response` for a look at a page in the middle of a crawl."""

import ast
import code
import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any

from aioscrapy.exceptions import AioscrapyError
from aioscrapy.fetching import Background, Fetcher, request_of
from aioscrapy.http.request import Request
from aioscrapy_deploy.terminal.text import printable

_HELP = {
    "scrapy": "this package: scrapy.Request, scrapy.Selector …",
    "crawler": "the crawl as a component sees it",
    "item": "an empty dict",
    "settings": "the settings",
    "spider": "the spider",
    "request": "the last request",
    "response": "its response",
    "fetch(URL or request)": "download, and set request and response",
    "view(response)": "open the page in a browser",
    "shelp()": "print this help",
}


class Shell:
    """A Python prompt with the names of a page.

    Args:
        fetcher: downloads; None: there is no `fetch`.
        loop: where the fetcher runs, and `await` at the prompt.
    """

    def __init__(self, fetcher: Fetcher | None = None, loop: Background | None = None) -> None:
        self._fetcher = fetcher
        self._loop = loop
        self.vars: dict[str, Any] = {}

    def set_page(self, request: Any, response: Any, spider: Any, crawler: Any) -> None:
        """Give the prompt the names of a page."""
        import aioscrapy
        from aioscrapy.utils.response import open_in_browser

        self.vars.update(
            scrapy=aioscrapy,
            crawler=crawler,
            item={},
            settings=crawler.settings,
            spider=spider,
            request=request,
            response=response,
            view=open_in_browser,
            shelp=self.print_help,
        )
        if self._fetcher is not None:
            self.vars["fetch"] = self.fetch

    def fetch(self, request_or_url: Any, redirect: bool = True, **arguments: Any) -> None:
        """Download a URL or a Request; `request` and `response` of the prompt are the new ones."""
        if self._fetcher is None or self._loop is None:
            raise RuntimeError("fetch is not possible here: the crawl waits for this prompt")
        request = request_or_url
        if not isinstance(request, Request):
            request = request_of(str(request_or_url)).replace(dont_filter=True, **arguments)
        if not redirect:
            request.meta["dont_redirect"] = True
        try:
            response = self._loop.run(self._fetcher.fetch(request))
        except AioscrapyError as exc:
            self.vars.update(request=request, response=None)
            print(printable(f"{type(exc).__name__}: {exc}"), file=sys.stderr)  # noqa: T201 the prompt's own output
            return
        self.vars.update(request=response.request or request, response=response)

    def print_help(self) -> None:
        """Print the names of the prompt."""
        lines = (f"  {name:<22} {text}" for name, text in _HELP.items())
        print("\n".join(["Available Scrapy objects:", *lines]))  # noqa: T201 the prompt's own output

    def evaluate(self, text: str) -> Any:
        """Return the value of an expression, which may have `await`; run statements, which have none."""
        try:
            compiled = compile(text, "<code>", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError:
            compiled = compile(text, "<code>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return self._run(compiled)

    def prompt(self, banner: str = "") -> None:
        """Read and run lines until the end of the input; with IPython if it is there."""
        embed = _ipython() if self._loop is not None else None
        if embed is not None and sys.stdin.isatty():
            embed(banner1=banner, user_ns=self.vars, colors="neutral")
            return
        with suppress(ImportError):
            import readline
            import rlcompleter

            readline.set_completer(rlcompleter.Completer(self.vars).complete)
            readline.parse_and_bind("tab: complete")
        with suppress(SystemExit):
            _Console(self.vars, self._run).interact(banner, exitmsg="")

    def _run(self, compiled: Any) -> Any:
        value = FunctionType(compiled, self.vars)()
        if not inspect.iscoroutine(value):
            return value
        if self._loop is None:
            value.close()
            raise RuntimeError("await is not possible here: the crawl waits for this prompt")
        return self._loop.run(value)


class _Console(code.InteractiveConsole):
    """Python's prompt, with `await`."""

    def __init__(self, names: dict[str, Any], run: Callable[[Any], Any]) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._run = run

    def runcode(self, code: Any) -> None:
        try:
            self._run(code)
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 the prompt goes on after an error
            self.showtraceback()


def inspect_response(response: Any, spider: Any) -> None:
    """Open a prompt on a response inside a callback; the crawl waits until it ends (Ctrl-D)."""
    shell = Shell()
    shell.set_page(response.request, response, spider, spider.crawler)
    shell.print_help()
    shell.prompt()


def _ipython() -> Callable[..., Any] | None:
    try:
        from IPython.terminal.embed import embed
    except ImportError:
        return None
    return embed  # type: ignore[no-any-return]  # IPython is not installed here
