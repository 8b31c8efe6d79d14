"""What every benchmark needs around it: the site, a Redis of its own, and its place in README.md."""

import contextlib
import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


@contextlib.contextmanager
def site(pages: int) -> Iterator[str]:
    """Serve the site; gives the URL of its first page."""
    command = [sys.executable, str(HERE / "site.py"), str(pages)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/p/0"
        server.terminate()


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis; gives its URL."""
    from aioscrapy.db.embedded import EmbeddedRedis

    server = EmbeddedRedis(folder / "redis")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def write_table(marker: str, how: str, table: str) -> None:
    """Put a table into README.md: what stands between `<!-- marker -->` and the next heading is replaced."""
    readme = HERE / "README.md"
    head, found, rest = readme.read_text().partition(f"<!-- {marker} -->\n")
    assert found, f"README.md has no place marked {marker}"
    _, heading, tail = rest.partition("\n## ")
    today = datetime.datetime.now(tz=datetime.UTC).date()
    where = f"{today}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    readme.write_text(f"{head}{found}\n{where}: {how}.\n\n{table}\n{heading}{tail}")
