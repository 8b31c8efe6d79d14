"""The demo site as a web server on loopback: `python -m aioscrapy.demo.site --port 8000`.

No page links to `/stats.json`, which counts: {"pages": pages of the site, "fetched": different pages that
were requested, "requests": all requests}.
"""

import argparse
import asyncio
import signal
import sys
from collections import Counter

from aiohttp import web

from aioscrapy.demo.pages import site_pages

DEFAULT_PAGES = 200
DEFAULT_DELAY_S = 0.2


class DemoSite:
    """All pages, created at the start, and a count of the requests.

    Args:
        page_count: Approximate number of pages.
        delay_s: Seconds until a page is sent, as from a distant site.
    """

    def __init__(self, page_count: int, delay_s: float) -> None:
        self.pages = site_pages(page_count)
        self._delay_s = delay_s
        self._requests: Counter[str] = Counter()

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application()
        application.router.add_get("/stats.json", self._stats)
        application.router.add_get("/{path:.*}", self._page)
        return application

    async def _page(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self._delay_s)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="There is no such page.")
        self._requests[request.path] += 1
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"pages": len(self.pages), "fetched": len(self._requests), "requests": self._requests.total()}
        )


async def serve(site: DemoSite, port: int, *, until_stdin_closes: bool) -> None:
    """Listen on 127.0.0.1 until SIGINT or SIGTERM; print the address on standard output.

    Raises:
        OSError: the port is in use.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    runner = web.AppRunner(site.application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        sys.stdout.write(f"{url} {len(site.pages)} pages of quotes, authors and tags\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await runner.cleanup()


def main(argv: list[str] | None = None) -> int:
    """Serve the site; return the exit status."""
    parser = argparse.ArgumentParser(
        description="A small web site to crawl, on 127.0.0.1. Press Ctrl-C to stop."
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port (default: a free one)")
    parser.add_argument("--pages", type=int, default=DEFAULT_PAGES, help="approximate number (default: 200)")
    parser.add_argument(
        "--delay",
        type=float,
        default=DEFAULT_DELAY_S,
        metavar="S",
        help="seconds until a page is sent (default: 0.2)",
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the program that started it"
    )
    options = parser.parse_args(argv)
    site = DemoSite(options.pages, options.delay)
    try:
        asyncio.run(serve(site, options.port, until_stdin_closes=options.until_stdin_closes))
    except OSError as exc:
        sys.stderr.write(f"the demo site can't listen on port {options.port}: {exc.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
