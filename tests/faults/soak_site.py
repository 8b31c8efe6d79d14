"""A site for the soak, in its own process: a page with very many links, a tree of pages, gzip bombs.

`python -m faults.soak_site --pages N --bomb BYTES` prints its URL and serves until its standard input ends.

    /links/N    a page with N links to /leaf/1 … /leaf/N
    /leaf/K     a small page
    /tree/K     links to /tree/2K and /tree/2K+1, as far as they are at most --pages
    /bomb/K     BYTES of zeros, compressed by gzip
"""

import argparse
import asyncio
import subprocess
import sys
import zlib
from types import TracebackType
from typing import Self

from aiohttp import web

from support import REPOSITORY, child_environment


class SoakSite:
    """The site as a context; `url` has no slash at its end."""

    def __init__(self, pages: int = 1, bomb_bytes: int = 0) -> None:
        self._arguments = ["--pages", str(pages), "--bomb", str(bomb_bytes)]
        self._process: subprocess.Popen[str]
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.soak_site", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY / "tests",
            env=child_environment(),
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the site has not started"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)


def bomb_of(size: int) -> bytes:
    """Return `size` zeros, compressed about 1,000 to 1."""
    compressor = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    parts = [compressor.compress(block) for _ in range(size >> 20)]
    return b"".join([*parts, compressor.flush()])


def application(pages: int, bomb: bytes) -> web.Application:
    """Return the site."""

    def html(title: object, links: range | list[int], folder: str) -> web.Response:
        body = "".join(f'<a href="/{folder}/{number}">{number}</a>' for number in links)
        return web.Response(text=f"<title>{title}</title>{body}", content_type="text/html")

    async def links(request: web.Request) -> web.Response:
        return html("links", range(1, int(request.match_info["n"]) + 1), "leaf")

    async def leaf(request: web.Request) -> web.Response:
        return html(request.match_info["n"], [], "")

    async def tree(request: web.Request) -> web.Response:
        number = int(request.match_info["n"])
        return html(number, [n for n in (2 * number, 2 * number + 1) if n <= pages], "tree")

    async def bombs(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "text/html"})

    app = web.Application()
    for path, handler in (("links", links), ("leaf", leaf), ("tree", tree), ("bomb", bombs)):
        app.router.add_get(f"/{path}/{{n:[0-9]+}}", handler)
    return app


async def serve(pages: int, bomb: bytes) -> None:
    """Serve until standard input ends."""
    runner = web.AppRunner(application(pages, bomb), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)  # noqa: T201 the parent reads it
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Take the sizes from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1)
    parser.add_argument("--bomb", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.pages, bomb_of(options.bomb)))


if __name__ == "__main__":
    main()
