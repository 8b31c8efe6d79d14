"""A small fast web site on loopback in a process of its own, which counts on its side what was fetched.

`python -m support.site --pages N --port P` serves it to a terminal.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

from support import child_environment


class Site:
    """The site: `pages` linked pages `/page/1` … `/page/N`, all reachable from `/`, and many odd corners.

    Every page has its title `Page N`, an item, about 20 links and 6 KB. The odd corners stand in `PATHS`
    of `support/site_pages.py`.

    Args:
        pages: How many linked pages.
        delay_s: Seconds after which a page or `/` is answered.
        port: TCP port; 0 takes a free one.
        hosts: Loopback addresses to listen on, all at the same port.
        robots: Text of /robots.txt; None forbids /private/ to all.
    """

    def __init__(
        self,
        pages: int = 100,
        *,
        delay_s: float = 0.0,
        port: int = 0,
        hosts: tuple[str, ...] = ("127.0.0.1",),
        robots: str | None = None,
    ) -> None:
        self.pages = pages
        self.port = port
        self.hosts = hosts
        self._arguments = ["--pages", str(pages), "--delay", str(delay_s), "--hosts", ",".join(hosts)]
        if robots is not None:
            self._arguments += ["--robots", robots]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL, with no slash at the end."""
        return f"http://{self.hosts[0]}:{self.port}"

    @property
    def urls(self) -> set[str]:
        """Everything that a crawl from `/` over all links fetches: `/` and each page."""
        return {f"{self.url}/"} | {f"{self.url}/page/{number}" for number in range(1, self.pages + 1)}

    def start(self) -> None:
        """Start the process; returns when it listens."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "support.site_pages", "--port", str(self.port)),
                *("--until-stdin-closes", *self._arguments),
            ],
            env=child_environment(),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        announced = self._process.stdout.readline()
        assert announced, f"the test site ended at once with status {self._process.wait()}"
        self.port = int(json.loads(announced)["port"])

    def stop(self) -> None:
        """End the process: it lives while its standard input is open, so it ends with us whatever happens."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._process = None

    def log(self) -> dict[str, Any]:
        """Return what was asked for since the start or the last `reset`.

        counts: path with query -> requests · max_concurrent: requests at once · max_concurrent_by_host ·
        hosts: Host header -> requests · proxied: requests in proxy form · times: [[seconds since the
        reset, path], …], when each began.
        """
        with urlopen(f"{self.url}/__log__", timeout=30) as answer:
            decoded: dict[str, Any] = json.load(answer)
        return decoded

    def counts(self) -> dict[str, int]:
        """Return how often each path was asked for."""
        return dict(self.log()["counts"])

    def reset(self) -> None:
        """Forget what was asked for, also by /flaky/ and /retry-after."""
        urlopen(f"{self.url}/__reset__", timeout=30).close()

    @contextmanager
    def holding_last_page(self) -> Iterator[None]:
        """Leave the last page unanswered in the block, so that no crawl ends in it; needs a delay."""
        urlopen(f"{self.url}/__hold__/page/{self.pages}", timeout=30).close()
        try:
            yield
        finally:
            urlopen(f"{self.url}/__hold__", timeout=30).close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


if __name__ == "__main__":
    from support.site_pages import main

    main()
