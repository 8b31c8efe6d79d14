"""What every benchmark needs: the site, a Redis, a table of bars, and its section in README.md."""

import collections
import contextlib
import datetime
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.request import urlopen

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from served import path_of, url_of, write  # noqa: E402

from aioscrapy.db.embedded import EmbeddedRedis, free_port  # noqa: E402


@dataclass(frozen=True)
class Row:
    """One row of a table of bars."""

    what: str
    measured: str
    bar: str
    met: bool


def bars(rows: Sequence[Row]) -> str:
    """Return the Markdown table; a missed bar is marked."""
    lines = ["| what | measured | bar |", "|---|---|---|"]
    lines += [f"| {row.what} | {row.measured} | {row.bar}{'' if row.met else ' (missed)'} |" for row in rows]
    return "\n".join(lines)


class Site(Protocol):
    """A site: the URL of its first page, and the fetches per page since the last `counts()`."""

    url: str
    server: str

    def counts(self) -> list[int]: ...


@contextlib.contextmanager
def site(pages: int, hosts: int = 0) -> Iterator[Site]:
    """Serve the site: by nginx if it is installed, else or on many hosts by served.py."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or hosts:
        with _own_server(pages, hosts) as served:
            yield served
    else:
        with tempfile.TemporaryDirectory() as folder, _nginx(program, Path(folder), pages) as served:
            yield served


class _Served:
    server = "a uvloop server"

    def __init__(self, port: int, hosts: int) -> None:
        self.url = url_of(0, port, hosts) if hosts else f"http://127.0.0.1:{port}{path_of(0)}"

    def counts(self) -> list[int]:
        with urlopen(self.url.replace("/p/0", "/counts"), timeout=30) as counts:
            return list(json.load(counts))


class _Nginx:
    server = "nginx"

    def __init__(self, port: int, pages: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}{path_of(0)}"
        self._pages = pages
        self._log = log

    def counts(self) -> list[int]:
        deadline = time.monotonic() + 2
        while True:  # nginx writes its line after it sent the response
            fetched = collections.Counter(self._log.read_text().split())
            if fetched.total() >= self._pages or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        os.truncate(self._log, 0)  # nginx appends, so it continues at the start of the file
        return [fetched[path_of(number)] for number in range(self._pages)]


@contextlib.contextmanager
def _own_server(pages: int, hosts: int) -> Iterator[_Served]:
    command = [sys.executable, str(HERE / "served.py"), str(pages), "--hosts", str(hosts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield _Served(int(server.stdout.readline()), hosts)
        server.terminate()


@contextlib.contextmanager
def _nginx(program: str, folder: Path, pages: int) -> Iterator[_Nginx]:
    write(folder, pages)
    port = free_port()
    log = folder / "access.log"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        "events { worker_connections 1000; }"
        "http { log_format path $uri; default_type 'text/html; charset=utf-8'; keepalive_requests 1000000;"
        f"access_log {log} path; {temporary}"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    command = [program, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as server:
        served = _Nginx(port, pages, log)
        try:
            deadline = time.monotonic() + 30
            while not _listens(port):
                assert server.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.02)
            yield served
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis; yields its URL."""
    server = EmbeddedRedis(folder / "redis")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def write_table(marker: str, how: str, table: str) -> None:
    """Replace the text between `<!-- marker -->` and the next heading of README.md by the table."""
    readme = HERE / "README.md"
    head, mark, rest = readme.read_text().partition(f"<!-- {marker} -->\n")
    assert mark, f"README.md has no <!-- {marker} -->"
    _, heading, tail = rest.partition("\n## ")
    today = datetime.datetime.now(tz=datetime.UTC).date()
    where = f"{today}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    readme.write_text(f"{head}{mark}\n{where}: {how}.\n\n{table}\n{heading}{tail}")
