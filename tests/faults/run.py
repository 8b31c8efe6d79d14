"""The long form of the fault tests: `python tests/faults/run.py --rounds 20 --pages 2000`; prints a table.

`AIOSCRAPY_TEST_REDIS_SERVER=/usr/bin/redis-server` takes that server instead of the embedded Valkey.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from faults.scenarios import ALL  # noqa: E402 the folder of the tests has to be on the path first
from support.redis import RedisServer  # noqa: E402
from support.site import Site  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill, freeze and interrupt crawls; count the items.")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the first scenario (default 20)")
    parser.add_argument("--pages", type=int, default=2000, help="pages of the site (default 2000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random moments")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"seed {options.seed}, {options.pages} pages")
    failed = 0
    with tempfile.TemporaryDirectory() as folder, Site(pages=options.pages) as site:
        with RedisServer(Path(folder) / "redis", appendonly=True, options={"appendfsync": "always"}) as redis:
            for scenario in ALL:
                for number in range(options.rounds if scenario is ALL[0] else 1):
                    began = time.monotonic()
                    try:
                        figures = scenario(Path(folder) / f"{scenario.__name__}-{number}", site, redis, rng)
                    except AssertionError as exc:
                        failed += 1
                        print(f"FAILED  {scenario.__name__} {number}: {exc}")
                    else:
                        took_s = time.monotonic() - began
                        print(f"ok      {scenario.__name__} {number}: {figures} in {took_s:.1f} s")
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
