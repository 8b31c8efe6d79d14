"""A site of thousands of pages of some 7 KB and 20 links each, served from memory by a bare protocol.

`python benchmarks/served.py PAGES` prints its port and serves until its standard input ends. `GET /counts`
returns the number of fetches per page since the last `GET /counts`, a JSON list. With `--hosts N` the pages
are spread over N loopback addresses of this server, and every response closes its connection.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n%s\r\n"
WORDS = ["river", "stone", "lantern", "harbour", "orchard", "copper", "meadow", "signal", "winter", "canvas"]


def path_of(number: int) -> str:
    """Return the path of a page."""
    return f"/p/{number}"


def url_of(number: int, port: int, hosts: int) -> str:
    """Return the URL of a page on a site of many hosts, from 127.1.0.0 on."""
    host = number % hosts
    return f"http://127.1.{host // 250}.{host % 250}:{port}{path_of(number)}"


def page(number: int, pages: int, href: Callable[[int], str] = path_of) -> bytes:
    """Return the HTML of one page: a title, prose, a table, links to a few neighbours and to random pages."""
    rng = random.Random(number)
    targets = [(number * 2 + 1) % pages, (number * 2 + 2) % pages] + [rng.randrange(pages) for _ in range(18)]
    links = "".join(
        f'<li class="link"><a href="{href(target)}">{rng.choice(WORDS)} {target}</a></li>'
        for target in targets
    )
    prose = "".join(f"<p>{' '.join(rng.choices(WORDS, k=60))}</p>" for _ in range(12))
    rows = "".join(f"<tr><td>{rng.choice(WORDS)}</td><td>{rng.randrange(10**6)}</td></tr>" for _ in range(12))
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>Page {number}</title></head><body>"
        f"<h1>Page {number}</h1><ul>{links}</ul>{prose}<table>{rows}</table></body></html>"
    ).encode()


def write(folder: Path, pages: int) -> None:
    """Write the site as files, for a web server."""
    (folder / "p").mkdir()
    for number in range(pages):
        (folder / "p" / str(number)).write_bytes(page(number, pages))


class Server(asyncio.Protocol):
    """Answers `GET /p/N`; keeps connections open and understands pipelined requests."""

    responses: list[bytes]
    counts: list[int]
    closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # it is one
        self.rest = b""
        if not transport.get_extra_info("peername")[0].startswith("127."):
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            self.transport.write(self.response_to(request.split(b" ", 2)[1]))
            if self.closing:
                self.transport.close()

    def response_to(self, path: bytes) -> bytes:
        if path.startswith(b"/p/"):
            number = int(path[3:])
            self.counts[number] += 1
            return self.responses[number]
        body = json.dumps(self.counts).encode()
        self.counts[:] = [0] * len(self.counts)
        return HEAD % (len(body), b"") + body


async def serve(pages: int, hosts: int) -> None:
    Server.counts = [0] * pages
    Server.closing = hosts > 0
    loop = asyncio.get_running_loop()
    # A server can't listen on all of 127.0.0.0/8 alone; connection_made refuses other addresses.
    server = await loop.create_server(Server, "0.0.0.0" if hosts else "127.0.0.1", 0, backlog=1000)
    port = server.sockets[0].getsockname()[1]
    close = b"Connection: close\r\n" if hosts else b""
    bodies = (
        page(number, pages, (lambda target: url_of(target, port, hosts)) if hosts else path_of)
        for number in range(pages)
    )
    Server.responses = [HEAD % (len(body), close) + body for body in bodies]
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the site.")
    parser.add_argument("pages", type=int)
    parser.add_argument("--hosts", type=int, default=0)
    options = parser.parse_args()
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(serve(options.pages, options.hosts))


if __name__ == "__main__":
    main()
