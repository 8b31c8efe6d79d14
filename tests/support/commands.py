"""Commands as a person runs them: a process in a folder."""

import subprocess
import sys
from pathlib import Path

from support import child_environment

Done = subprocess.CompletedProcess[str]


def aioscrapy(folder: Path, *arguments: str, stdin: str = "") -> Done:
    """Run `aioscrapy` with these arguments and this standard input, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "aioscrapy", *arguments],
        cwd=folder,
        env=child_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def output(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Return what a command that must succeed writes to standard output."""
    done = aioscrapy(folder, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fails(done: Done, *texts: str) -> None:
    """Check that a person sees one line that holds `texts`, and status 1."""
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("aioscrapy: ")
    assert done.stderr.count("\n") == 1
    for text in texts:
        assert text in done.stderr


def write_shop(folder: Path, redis_url: str, more: str = "") -> Path:
    """Make a project `shop` whose spider `tested` shares its crawl; returns its folder."""
    package = folder / "shop"
    package.mkdir(parents=True)
    (folder / "aioscrapy.cfg").write_text("[settings]\ndefault = shop.settings\n")
    (package / "__init__.py").touch()
    (package / "settings.py").write_text(
        "BOT_NAME = 'shop'\n"
        "SPIDER_MODULES = ['shop.spiders']\n"
        f"REDIS_ARGS = {{'queue': {{'url': {redis_url!r}}}}}\n"
        "SCHEDULER_QUEUE_CLASS = 'aioscrapy.queue.redis.SpiderPriorityQueue'\n"
        "ITEMS_IN_REDIS = True\n"
        f"{more}\n"
    )
    (package / "spiders.py").write_text(
        "from aioscrapy import Request, Spider\n\n\n"
        "class Tested(Spider):\n"
        "    name = 'tested'\n"
        "    site = ''\n\n"
        "    async def start_requests(self):\n"
        "        if self.site:\n"
        "            yield Request(self.site)\n\n"
        "    def parse(self, response):\n"
        "        yield {'url': response.url, 'title': response.css('title::text').get()}\n"
        "        for href in response.css('a::attr(href)'):\n"
        "            yield response.follow(href)\n\n"
        "    def parse_alone(self, response):\n"
        "        yield {'alone': response.url, 'note': response.meta.get('note')}\n"
    )
    return folder
