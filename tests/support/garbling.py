"""A proxy before a real server that passes requests on, and gives answers of its own to some of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

HTML = b"<html><h1>504 Gateway Time-out</h1></html>"


class Garbling(ThreadingHTTPServer):
    """Passes every request on to `upstream`; for a page of `pages` the client gets another answer.

    A value of `pages` is a status with which HTML is sent instead of the server's answer, or 0 to close the
    connection. Pages in `held_back` never reach the server. After as many requests as `times` has for a page,
    the client gets the server's own answers. `after_upload` are added to `pages` when an egg arrives.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream.rstrip("/")
        self.pages: dict[str, int] = {}
        self.held_back: set[str] = set()
        self.times: dict[str, int] = {}
        self.after_upload: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may close first: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Garbling

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        page = self.path.partition("?")[0].lstrip("/")
        status, answer, kind = 502, HTML, "text/html"
        if page not in self.server.held_back:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            url = f"{self.server.upstream}{self.path}"
            passed = requests.request(self.command, url, data=body, headers=headers, timeout=60)
            status, answer = passed.status_code, passed.content
            kind = passed.headers.get("Content-Type", "text/plain")
        if page == "addversion.json":
            self.server.pages |= self.server.after_upload
        left = self.server.times.get(page, 1)
        if page in self.server.times:
            self.server.times[page] = max(0, left - 1)
        if page in self.server.pages and left:
            status, answer, kind = self.server.pages[page], HTML, "text/html"
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 the name is http.server's

    def log_message(self, *_: object) -> None:
        """Keep standard error for what is tested."""


@contextmanager
def garbling(upstream: str) -> Iterator[Garbling]:
    """Yield a proxy before this server."""
    with Garbling(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()
