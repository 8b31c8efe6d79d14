"""Measure the start-up: `python benchmarks/startup.py [--short] [--write]`.

From the start of a process to its first request, in turns with the bare loop; `import aioscrapy`; the list of
spiders that Scrapyd makes of an egg. The exit status is 1 if a bar is missed; `--short` runs two rounds and
has no bars for times. `--write` puts the table into benchmarks/README.md.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from bench import HERE, Row, bars, redis_server, site, write_table
from crawlers import BARE, MEMORY, REDIS, run

SPIDERS = 10
SPIDER = """from aioscrapy import Request, Spider


class Spider{number}(Spider):
    name = "spider{number}"

    async def parse(self, response):
        yield Request(response.urljoin("/"))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the start-up.")
    parser.add_argument("--short", action="store_true", help="2 rounds, no bars")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    rounds, judge = (2, False) if options.short else (21, True)
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_first_request(Path(folder), rounds, judge), _import(rounds, judge)]
        rows.append(_listing(Path(folder), rounds, judge))
    table = bars(rows)
    print(table)
    if options.write:
        write_table("startup", f"{rounds} rounds", table)
    return int(not all(row.met for row in rows))


def _first_request(folder: Path, rounds: int, judge: bool) -> list[Row]:
    seconds = defaultdict(list)
    with redis_server(folder) as redis, site(1) as served:
        for number in range(rounds + 1):  # the first round warms up
            for crawler in (BARE, MEMORY, REDIS):
                figures = run(crawler, served, redis, folder / "work", 1, 16)
                if number:
                    seconds[crawler.name].append(figures.first_s)
    bare = seconds[BARE.name]
    rows = [Row(f"to the first request: {BARE.name}", f"{statistics.median(bare):.2f} s", "-", True)]
    for crawler, most in ((MEMORY, 1.2), (REDIS, None)):
        mine = seconds[crawler.name]
        ratio = statistics.median(one / other for one, other in zip(mine, bare, strict=True))
        measured = f"{statistics.median(mine):.2f} s ({ratio:.2f} times)"
        met = most is None or not judge or ratio <= most
        bar = f"≤ {most} times" if most else "-"
        rows.append(Row(f"to the first request: {crawler.name}", measured, bar, met))
    return rows


def _import(rounds: int, judge: bool) -> Row:
    more = []
    for _ in range(rounds):
        empty, full = _seconds("pass"), _seconds("import aioscrapy")
        more.append(full - empty)
    took_ms = statistics.median(more) * 1000
    return Row("import aioscrapy", f"{took_ms:.0f} ms", "≤ 60 ms", not judge or took_ms <= 60)


def _seconds(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=_environment())
    return time.perf_counter() - start


def _listing(folder: Path, rounds: int, judge: bool) -> Row:
    """Run `runner list` on an egg, as Scrapyd does."""
    _egg(folder)
    environment = _environment() | {"SCRAPY_PROJECT": "ten", "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "aioscrapy.scrapyd.runner", "list", "-s", "LOG_STDOUT=0"]
    cpu = []
    for number in range(rounds + 1):  # the first run unpacks the egg
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as stdout:
            names = stdout.read().split()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        assert len(names) == SPIDERS
        if number:
            cpu.append(usage.ru_utime + usage.ru_stime)
    cpu_s = statistics.median(cpu)
    what = f"runner list of an egg with {SPIDERS} spiders, CPU time"
    return Row(what, f"{cpu_s:.2f} s", "≤ 0.3 s", not judge or cpu_s <= 0.3)


def _egg(folder: Path) -> None:
    project = folder / "project"
    spiders = project / "ten" / "spiders"
    spiders.mkdir(parents=True)
    (project / "aioscrapy.cfg").write_text("[settings]\ndefault = ten.settings\n")
    (project / "ten" / "__init__.py").touch()
    (project / "ten" / "settings.py").write_text('SPIDER_MODULES = ["ten.spiders"]\n')
    (spiders / "__init__.py").touch()
    for number in range(SPIDERS):
        (spiders / f"spider{number}.py").write_text(SPIDER.format(number=number))
    eggs = folder / "eggs" / "ten"
    eggs.mkdir(parents=True)
    build = "import sys; from aioscrapy_deploy.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", build, "--build-egg", str(eggs / "1.egg")]
    subprocess.run(command, cwd=project, check=True, capture_output=True, env=_environment())


def _environment() -> dict[str, str]:
    paths = os.pathsep.join([str(HERE.parent), str(HERE.parent / "deploy")])
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": paths}


if __name__ == "__main__":
    sys.exit(main())
