"""Rounds in which the daemon of a node is killed at a random moment, and every job must have exactly one end.

    cd tests && python -m node.killed_daemon --rounds 20

Each round: 4 slots, 8 jobs that take up to two seconds, half of them end with exit status 7. The daemon gets
SIGKILL or SIGTERM once or twice at random moments and is started again. Then each job has run once, has one
end with the right state and exit status, and all slots are free.
"""

import argparse
import random
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer

SLOTS, JOBS = 4, 8
SPIDERS = """
import asyncio, os
from aioscrapy import Spider


class Counted(Spider):
    name = "counted"

    async def start_requests(self):
        descriptor = os.open(self.runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{self._job}\\n".encode())
        os.close(descriptor)
        await asyncio.sleep(float(self.seconds))
        if self.status != "0":
            raise SystemExit(int(self.status))
        return
        yield
"""


def play(folder: Path, chance: random.Random) -> list[str]:
    """Play one round in an empty folder; returns what is wrong."""
    runs = folder / "runs"
    conf = {"application": "aioscrapy_scrapyd.app.application", "max_proc": str(SLOTS)}
    with ScrapydServer(folder, conf=conf) as node:
        _deploy(node)
        statuses: dict[str, int] = {}
        for number in range(JOBS):
            seconds = chance.uniform(0, 2)
            job, status = f"job-{number}", chance.choice([0, 7])
            fields: dict[str, Any] = {"seconds": seconds, "status": status, "runs": runs}
            node.api("schedule", "POST", project="p", spider="counted", jobid=job, **fields)
            statuses[job] = status
        for _ in range(chance.choice([1, 2])):
            time.sleep(chance.uniform(0, 1.5))  # the moment of the kill: any will do
            if chance.random() < 0.7:
                node.kill()
            else:
                node.end(signal.SIGTERM)
            time.sleep(chance.uniform(0, 1))  # no daemon runs meanwhile
            node.start()
        for job in statuses:
            node.wait_job(job, 60)
        status = node.api("daemonstatus")
    return [*_wrong(folder, runs, statuses), *([] if status["running"] == 0 else [f"slots: {status}"])]


def _deploy(node: ScrapydServer) -> None:
    import requests

    egg = make_egg({"spiders/a.py": SPIDERS})
    fields = {"project": "p", "version": "1"}
    answer = requests.post(f"{node.url}addversion.json", data=fields, files={"egg": egg}, timeout=60).json()
    assert answer["status"] == "ok", answer


def _wrong(folder: Path, runs: Path, statuses: dict[str, int]) -> list[str]:
    problems = []
    started = runs.read_text().split()
    with sqlite3.connect(folder / "dbs" / "node.db") as connection:
        rows = connection.execute("SELECT job, state, exit_status, reason FROM job").fetchall()
    if sorted(row[0] for row in rows) != sorted(statuses):
        problems.append(f"jobs in node.db: {rows}")
    for job, state, exit_status, reason in rows:
        if started.count(job) != 1:
            problems.append(f"{job} ran {started.count(job)} times")
        expected = ("finished" if statuses[job] == 0 else "failed", statuses[job])
        if (state, exit_status) != expected:
            problems.append(f"{job} is {state}, exit status {exit_status} ({reason}), not {expected}")
    return problems


def main() -> int:
    """Play the rounds; returns 1 if something was wrong in one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    failed = 0
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            problems = play(Path(folder), random.Random(options.seed + number))
        failed += bool(problems)
        print(f"round {number} (seed {options.seed + number}): {'; '.join(problems) or 'right'}", flush=True)  # noqa: T201
    print(f"{options.rounds - failed} of {options.rounds} rounds right")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
