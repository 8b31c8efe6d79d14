"""A site of a few thousand pages of some 7 KB and 20 links each, served from memory by a bare protocol.

`python benchmarks/site.py PAGES` prints its port and serves until its standard input ends; `GET /counts`
gives how often each page was fetched since the last time, a JSON list.
"""

import asyncio
import json
import random
import sys

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
WORDS = ["river", "stone", "lantern", "harbour", "orchard", "copper", "meadow", "signal", "winter", "canvas"]


def page(number: int, pages: int) -> bytes:
    """Return the HTML of one page: a title, prose, a table, links to a few neighbours and to random pages."""
    rng = random.Random(number)
    targets = [(number * 2 + 1) % pages, (number * 2 + 2) % pages] + [rng.randrange(pages) for _ in range(18)]
    links = "".join(
        f'<li class="link"><a href="/p/{target}">{rng.choice(WORDS)} {target}</a></li>' for target in targets
    )
    prose = "".join(f"<p>{' '.join(rng.choices(WORDS, k=60))}</p>" for _ in range(12))
    rows = "".join(f"<tr><td>{rng.choice(WORDS)}</td><td>{rng.randrange(10**6)}</td></tr>" for _ in range(12))
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>Page {number}</title></head><body>"
        f"<h1>Page {number}</h1><ul>{links}</ul>{prose}<table>{rows}</table></body></html>"
    ).encode()


class Server(asyncio.Protocol):
    """Answers `GET /p/N`; keeps connections open and understands pipelined requests."""

    answers: list[bytes]
    counts: list[int]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1]
            self.transport.write(self.answer(path))  # type: ignore[attr-defined]

    def answer(self, path: bytes) -> bytes:
        if path.startswith(b"/p/"):
            number = int(path[3:])
            self.counts[number] += 1
            return self.answers[number]
        body = json.dumps(self.counts).encode()
        self.counts[:] = [0] * len(self.counts)
        return HEAD % len(body) + body


async def serve(pages: int) -> None:
    bodies = [page(number, pages) for number in range(pages)]
    Server.answers = [HEAD % len(body) + body for body in bodies]
    Server.counts = [0] * pages
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(serve(int(sys.argv[1])))
    except ImportError:
        asyncio.run(serve(int(sys.argv[1])))
