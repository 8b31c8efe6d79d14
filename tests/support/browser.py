"""A real browser, Chromium by Playwright; it notes what its console and its content policy complain about."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
NARROW, WIDE = 360, 1500
# Width of the window, with or without JavaScript, language: all that a screen must fit.
WAYS = list(itertools.product((NARROW, WIDE), (True, False), ("en-GB", "zh-CN")))
# Those that axe checks: it needs JavaScript, and sees each width and each language.
CHECKED = {(NARROW, True, "zh-CN"), (WIDE, True, "en-GB")}
# Kinds of findings of axe that keep a person from using a page.
SERIOUS = {"serious", "critical"}


def executable() -> str:
    """Return the path of a Chromium; fails where there is none: scripts/browser installs one."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise AssertionError("there is no Chromium: run scripts/browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """A person with a browser of their own: a window, a language, a login.

    Attributes:
        page: of Playwright.
        problems: what the console and the content policy complained about, and addresses of other hosts.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = WIDE,
        script: bool = True,
        language: str = "en-GB",
        login: tuple[str, str] | None = None,
        dark: bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self.problems: list[str] = []
        self.bytes = 0
        credentials: Any = {"username": login[0], "password": login[1], "send": "always"} if login else None
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            locale=language,
            http_credentials=credentials,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
            reduced_motion="reduce",  # axe would measure colours that are still fading in
        )
        self.context.set_default_timeout(15_000)
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Return another tab."""
        page = self.context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._request)
        return page

    def open(self, path: str) -> Page:
        """Open a page of the node."""
        self.page.goto(self.url + path)
        return self.page

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(script))

    def accessibility(self) -> list[str]:
        """Return the serious findings of axe about the page."""
        result: Any = Axe().run(self.page).response
        return [
            f"{finding['id']}: {finding['help']}: {[node['html'][:200] for node in finding['nodes'][:3]]}"
            for finding in result["violations"]
            if finding["impact"] in SERIOUS
        ]

    def shoot(self, path: Path) -> None:
        """Write the whole page as a PNG."""
        self.page.screenshot(path=path, full_page=True)

    def close(self) -> None:
        """Close the window; fails if the browser complained about anything."""
        self.context.close()
        assert not self.problems, self.problems

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, kind: Any, *rest: object) -> None:
        if kind is None:
            self.close()
        else:
            self.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        is_form = "status of 422" in message.text  # a form with wrong input comes back
        if message.type in {"error", "warning"} and not is_form:
            self.problems.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"another host: {request.url}")
