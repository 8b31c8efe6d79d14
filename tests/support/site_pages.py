"""What the test site serves, and its log; runs as the site's process.

PATHS
    /                   the start: links to the first pages
    /page/N             see support.site.Site
    /slow/S             answers after S seconds
    /hang               never answers
    /drop               closes the connection instead
    /truncated          promises more than it sends
    /status/N           an empty page of that status
    /not-modified       304
    /redirect/N         N redirects (?status=302), then /page/1
    /redirect-to?url=U  one redirect (?status=302)
    /refresh            a meta refresh to /page/1
    /huge?bytes=N       N bytes, length told; &chunked=1: not told
    /endless            never ends
    /binary             1 KiB that is no text
    /json               {"answer": 42}
    /encoding/NAME      a page in that encoding, told in the header; ?by=meta: in a meta tag; ?by=none: untold
    /broken-encoding    called UTF-8, but isn't
    /gzip               a compressed page
    /gzip-bomb?bytes=N  N zero bytes, compressed
    /headers            the request's headers as JSON: lower-case name -> last value
    /echo               {method, path, headers, body} as JSON
    /cookies/set?K=V    sets cookies; &redirect=1 then goes to /cookies
    /cookies            those that came, as JSON
    /basic-auth/U/P     401 unless user U comes with password P
    /flaky/N            503 for the first N requests of each path and query, then a page
    /retry-after        503 with `Retry-After: 1` once, then a page
    /robots.txt         as told at the start
    /private/...        a page that robots.txt forbids
"""

import argparse
import asyncio
import base64
import gzip
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from http.cookies import SimpleCookie

import uvloop

from support.http_server import Answer, Connection, Incoming, Outgoing, encoded

LINKS = 20
FILLER = "<p>" + "All work and no play makes a crawl a dull thing to watch. " * 18 + "</p>\n"
ROBOTS = "User-agent: *\nDisallow: /private/\n"
TEXT = {
    "gb18030": "中文网页",
    "gbk": "中文网页",
    "big5": "中文網頁",
    "shift_jis": "日本語のページ",
    "euc-jp": "日本語のページ",
    "windows-1251": "Страница",
    "koi8-r": "Страница",
}
_FAR = 3600.0


def page_links(number: int, pages: int) -> list[int]:
    """Return the pages that page `number` links to; none twice, `number` itself may be among them.

    The first two are its children in a binary tree, which makes every page reachable from page 1; the
    rest are spread evenly.
    """
    links = dict.fromkeys(child for child in (2 * number, 2 * number + 1) if child <= pages)
    step = 1 + (number * 7919) % pages
    for turn in range(LINKS):
        links.setdefault(1 + (number + turn * step) % pages)
    return list(links)[:LINKS]


def page_html(number: int, pages: int) -> bytes:
    """Return one page as HTML, about 6 KB."""
    links = "\n".join(
        f'<li><a class="link" href="/page/{link}">Page {link}</a></li>' for link in page_links(number, pages)
    )
    return (
        f"<!DOCTYPE html>\n<html><head><title>Page {number}</title></head>\n<body>\n<h1>Page {number}</h1>\n"
        f'<div class="item" data-id="{number}"><span class="name">Item {number}</span> '
        f'<span class="price">{number % 97}.{number % 10}0</span></div>\n'
        f"<ul>\n{links}\n</ul>\n{FILLER * 4}</body></html>\n"
    ).encode()


def start_html(pages: int) -> bytes:
    """Return the start page, which links to the first pages."""
    links = "\n".join(
        f'<li><a href="/page/{link}">Page {link}</a></li>' for link in range(1, min(pages, 5) + 1)
    )
    return (f"<html><head><title>Start</title></head>\n<body><ul>\n{links}\n</ul></body></html>\n").encode()


def plain_page(title: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body>{title}</body></html>".encode()


def as_json(value: object) -> Outgoing:
    return Outgoing(json.dumps(value).encode(), content_type="application/json")


def redirect(url: str, status: str) -> Outgoing:
    return Outgoing(status=int(status), headers=[("Location", url)])


async def nothing_ever() -> Answer:
    await asyncio.sleep(_FAR)
    return Outgoing(drop=True)


async def pieces(total: int | None) -> AsyncIterator[bytes]:
    piece = b"x" * 65536
    sent = 0
    while total is None or sent < total:
        yield piece if total is None else piece[: total - sent]
        sent += len(piece)
        await asyncio.sleep(0)


class Log:
    """What was asked for, counted on the server's side."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._began = time.monotonic()
        self.counts: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._max_by_host: Counter[str] = Counter()
        self._max = 0
        self._proxied = 0
        self._times: list[tuple[float, str]] = []

    def begin(self, incoming: Incoming) -> None:
        self.counts[incoming.target] += 1
        self._hosts[incoming.host] += 1
        self._proxied += incoming.proxied
        self._now[incoming.host] += 1
        self._max_by_host[incoming.host] = max(self._max_by_host[incoming.host], self._now[incoming.host])
        self._max = max(self._max, self._now.total())
        self._times.append((round(time.monotonic() - self._began, 4), incoming.target))

    def end(self, incoming: Incoming) -> None:
        # a request that began before a reset ends after it
        if self._now[incoming.host] > 0:
            self._now[incoming.host] -= 1

    def as_dict(self) -> dict[str, object]:
        return {
            "counts": self.counts,
            "max_concurrent": self._max,
            "max_concurrent_by_host": self._max_by_host,
            "hosts": self._hosts,
            "proxied": self._proxied,
            "times": self._times,
        }


class Pages:
    """All that the site answers; `answer` is the server's handler."""

    def __init__(self, pages: int, delay_s: float, robots: str) -> None:
        self._pages = pages
        self._delay_s = delay_s
        self._robots = robots
        self._held = ""  # the path that is not answered before `_go_on` is set
        self._go_on = asyncio.Event()
        self._made: dict[str, bytes] = {"/": encoded(Outgoing(start_html(pages)))}
        self.log = Log()
        self._corners: dict[str, Callable[[Incoming], Answer | Awaitable[Answer]]] = {
            "slow": self._slow,
            "hang": lambda _: nothing_ever(),
            "drop": lambda _: Outgoing(drop=True),
            "truncated": lambda _: Outgoing(b"half of it", length=1000, close=True),
            "status": lambda incoming: Outgoing(status=int(incoming.path.split("/")[2])),
            "not-modified": lambda _: Outgoing(status=304),
            "redirect": self._redirect,
            "redirect-to": lambda i: redirect(i.query["url"], i.query.get("status", "302")),
            "refresh": lambda _: Outgoing(
                b'<html><meta http-equiv="refresh" content="0; url=/page/1"></html>'
            ),
            "huge": self._huge,
            "endless": lambda _: Outgoing(stream=pieces(None), content_type="text/plain"),
            "binary": lambda _: Outgoing(bytes(range(256)) * 4, content_type="application/octet-stream"),
            "json": lambda _: as_json({"answer": 42}),
            "encoding": self._encoding,
            "broken-encoding": lambda _: Outgoing(b"<title>caf\xe9 \xff\xfe</title><p>\xc3\x28 end</p>"),
            "gzip": lambda _: self._gzip(plain_page("Compressed")),
            "gzip-bomb": lambda i: self._gzip(bytes(int(i.query["bytes"]))),
            "headers": lambda incoming: as_json(dict(incoming.headers)),
            "echo": self._echo,
            "cookies": self._cookies,
            "basic-auth": self._basic_auth,
            "flaky": self._flaky,
            "retry-after": self._retry_after,
            "robots.txt": lambda _: Outgoing(self._robots.encode(), content_type="text/plain"),
            "private": lambda _: Outgoing(plain_page("Private")),
            "__log__": lambda _: as_json(self.log.as_dict()),
            "__reset__": lambda _: self._reset(),
            "__hold__": lambda incoming: self._hold(incoming.path.removeprefix("/__hold__")),
        }

    def answer(self, incoming: Incoming) -> Answer | Awaitable[Answer]:
        if not incoming.path.startswith("/__"):
            self.log.begin(incoming)
        page = self._page(incoming.path)
        if page is not None:
            return self._later(incoming.path, page) if self._delay_s else page
        corner = self._corners.get(incoming.path.split("/")[1])
        if corner is None:
            return Outgoing(plain_page("Not found"), status=404)
        return corner(incoming)

    def ended(self, incoming: Incoming) -> None:
        if not incoming.path.startswith("/__"):
            self.log.end(incoming)

    def _page(self, path: str) -> bytes | None:
        made = self._made.get(path)
        if made is None and path.startswith("/page/") and path[6:].isdigit():
            number = int(path[6:])
            if 1 <= number <= self._pages:
                made = self._made[path] = encoded(Outgoing(page_html(number, self._pages)))
        return made

    def _hold(self, path: str) -> Outgoing:
        self._held = path
        (self._go_on.clear if path else self._go_on.set)()
        return Outgoing(b"")

    async def _later(self, path: str, page: bytes) -> Answer:
        await asyncio.sleep(self._delay_s)
        if path == self._held:
            await self._go_on.wait()
        return page

    async def _slow(self, incoming: Incoming) -> Answer:
        await asyncio.sleep(float(incoming.path.split("/")[2]))
        return Outgoing(plain_page("Slow"))

    def _redirect(self, incoming: Incoming) -> Outgoing:
        left = int(incoming.path.split("/")[2])
        status = incoming.query.get("status", "302")
        return redirect(f"/redirect/{left - 1}?status={status}" if left > 1 else "/page/1", status)

    def _huge(self, incoming: Incoming) -> Outgoing:
        total = int(incoming.query["bytes"])
        length = None if "chunked" in incoming.query else total
        return Outgoing(stream=pieces(total), length=length, content_type="text/plain")

    def _encoding(self, incoming: Incoming) -> Outgoing:
        name = incoming.path.split("/")[2]
        by = incoming.query.get("by", "header")
        text = TEXT.get(name.lower(), "Crème brûlée")
        meta = f'<meta charset="{name}">' if by == "meta" else ""
        html = f"<html><head>{meta}<title>{text}</title></head><body><p>{text}</p></body></html>"
        told = f"text/html; charset={name}" if by == "header" else "text/html"
        return Outgoing(html.encode(name), content_type=told)

    def _gzip(self, body: bytes) -> Outgoing:
        return Outgoing(gzip.compress(body), headers=[("Content-Encoding", "gzip")])

    def _echo(self, incoming: Incoming) -> Outgoing:
        return as_json(
            {
                "method": incoming.method,
                "path": incoming.target,
                "headers": dict(incoming.headers),
                "body": incoming.body.decode("utf-8", "replace"),
            }
        )

    def _cookies(self, incoming: Incoming) -> Outgoing:
        if not incoming.path.startswith("/cookies/set"):
            jar = SimpleCookie(incoming.header("cookie"))
            return as_json({name: morsel.value for name, morsel in jar.items()})
        wanted = incoming.query
        goes_on = wanted.pop("redirect", None)
        answer = redirect("/cookies", "302") if goes_on else Outgoing(plain_page("Cookies set"))
        answer.headers += [("Set-Cookie", f"{name}={value}; Path=/") for name, value in wanted.items()]
        return answer

    def _basic_auth(self, incoming: Incoming) -> Outgoing:
        _, _, user, password = incoming.path.split("/")
        expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        if incoming.header("authorization") == expected:
            return Outgoing(plain_page("Welcome"))
        return Outgoing(status=401, headers=[("WWW-Authenticate", 'Basic realm="test"')])

    def _flaky(self, incoming: Incoming) -> Outgoing:
        fails = int(incoming.path.split("/")[2])
        if self.log.counts[incoming.target] <= fails:
            return Outgoing(status=503)
        return Outgoing(plain_page("At last"))

    def _retry_after(self, incoming: Incoming) -> Outgoing:
        if self.log.counts[incoming.target] == 1:
            return Outgoing(status=503, headers=[("Retry-After", "1")])
        return Outgoing(plain_page("At last"))

    def _reset(self) -> Outgoing:
        self.log.clear()
        return as_json({"status": "ok"})


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGINT or SIGTERM, or until standard input is closed where that was asked for."""
    loop = asyncio.get_running_loop()
    pages = Pages(options.pages, options.delay, options.robots)
    port = options.port
    servers = []
    for host in options.hosts.split(","):
        server = await loop.create_server(
            lambda: Connection(pages.answer, pages.ended), host, port, backlog=1024
        )
        port = server.sockets[0].getsockname()[1]
        servers.append(server)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    if options.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    for server in servers:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="the test suite's web site")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before a page is answered")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--hosts", default="127.0.0.1", help="loopback addresses, with commas between them")
    parser.add_argument("--robots", default=ROBOTS)
    parser.add_argument("--until-stdin-closes", action="store_true")
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
