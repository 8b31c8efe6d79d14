"""Measure a deploy beside scrapyd-client's: `python benchmarks/deploying.py [--short] [--write]`.

Measures from the start of the command to its end. The server is a real Scrapyd, which lists the spiders
before it answers. The exit status is 1 if the bar is missed; `--short` runs two rounds and has no bars for
times. `--write` puts the table into benchmarks/README.md. The first run installs scrapyd-client with pip.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import count
from pathlib import Path

from bench import HERE, Row, bars, write_table

sys.path.append(str(HERE.parent / "tests"))

from aioscrapy_deploy import ScrapydClient
from support import child_environment
from support.environments import peer_environment
from support.scrapyd import ScrapydServer

OURS, THEIRS, SERVER = "ours", "scrapyd-client 2.0.3", "of which Scrapyd"
PROJECTS = {"the example": True, "the example without its setup.py": False}
PROGRAM = "import sys; from aioscrapy_deploy.cli import main; sys.exit(main())"

Seconds = dict[tuple[str, str], list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a deploy beside scrapyd-client's.")
    parser.add_argument("--short", action="store_true", help="2 rounds, no bar")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    rounds = 2 if options.short else 11
    with tempfile.TemporaryDirectory() as folder, ScrapydServer(Path(folder) / "scrapyd") as scrapyd:
        seconds = _measured(Path(folder) / "work", scrapyd, rounds)
    rows = [row for project in PROJECTS for row in _rows(project, seconds, judge=not options.short)]
    table = bars(rows)
    print(table)
    if options.write:
        write_table("deploying", f"{rounds} rounds", table)
    return int(not all(row.met for row in rows))


def _measured(work: Path, scrapyd: ScrapydServer, rounds: int) -> Seconds:
    """Deploy in turns; returns (project, program) -> seconds of each round, without the first round."""
    stock = peer_environment("scrapyd-client", "scrapyd-client==2.0.3", "setuptools<81")
    commands = {OURS: [sys.executable, "-c", PROGRAM], THEIRS: [str(stock / "scrapyd-deploy")]}
    client = ScrapydClient(scrapyd.url)
    versions = count(1)
    seconds: Seconds = defaultdict(list)
    for _ in range(rounds + 1):
        for project, setup in PROJECTS.items():
            for program, command in commands.items():
                _copy_example(work, scrapyd.url, setup=setup)
                seconds[project, program].append(_deploy(command, work, str(next(versions))))
            egg = next((scrapyd.folder / "eggs" / "myproject").iterdir()).read_bytes()
            start = time.perf_counter()
            assert client.addversion("myproject", str(next(versions)), egg).failure is None
            seconds[project, SERVER].append(time.perf_counter() - start)
            client.delproject("myproject")
    return {key: rounds[1:] for key, rounds in seconds.items()}


def _copy_example(work: Path, url: str, *, setup: bool) -> None:
    """Put the example into an empty folder, without the build files that scrapyd-client leaves behind."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(HERE.parent / "examples" / "distributed", work)
    cfg = (work / "aioscrapy.cfg").read_text().replace("http://localhost:6800/", url)
    (work / "aioscrapy.cfg").unlink()
    (work / "scrapy.cfg").write_text(cfg)  # the only name that both programs read
    if not setup:
        (work / "setup.py").unlink()


def _deploy(command: list[str], work: Path, version: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "local", "-v", version],
        cwd=work,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    reply = json.loads(done.stdout)
    assert (reply["status"], reply["spiders"]) == ("ok", 1), reply
    return seconds


def _rows(project: str, seconds: Seconds, *, judge: bool) -> list[Row]:
    ours, theirs = seconds[project, OURS], seconds[project, THEIRS]
    ratio = statistics.median(mine / its for mine, its in zip(ours, theirs, strict=True))
    rows = [
        Row(
            f"{project}: {program}",
            f"{statistics.median(runs):.2f} s ({min(runs):.2f} to {max(runs):.2f})",
            "-",
            True,
        )
        for program in (OURS, THEIRS, SERVER)
        if (runs := seconds[project, program])
    ]
    return [*rows, Row(f"{project}: ours, of theirs", f"{ratio:.2f}", "≤ 1", ratio <= 1 or not judge)]


if __name__ == "__main__":
    sys.exit(main())
