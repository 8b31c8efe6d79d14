"""What may happen to a crawl that writes feeds: every item has to be in the files once."""

import random
import time
from pathlib import Path

from faults.feed_fleet import COMPRESSED, FORMATS, FeedFleet, compressed, in_batches, kill_child, read_feed
from faults.fleet import Outcome


def feed_jobdir_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of a crawl with JOBDIR, five times at random moments."""
    names = chance.sample([f"items.{ending}" for ending in FORMATS], 1)
    with FeedFleet(folder, redis=False, pages=pages) as fleet:
        for _ in range(5):
            worker = fleet.run(*_outputs(names))
            fleet.kill_sometime(worker, chance, pages // 5)
        fleet.run(*_outputs(names))
        return fleet.outcome("feed: JOBDIR killed")


def feed_jobdir_stopped(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """SIGTERM and kill -9 in turn of a crawl with JOBDIR and a document as feed."""
    names = [f"items.{chance.choice(('json', 'xml'))}"]
    with FeedFleet(folder, redis=False, pages=pages) as fleet:
        for number in range(4):
            worker = fleet.run(*_outputs(names))
            if number % 2:
                fleet.kill_sometime(worker, chance, pages // 5)
                continue
            until = fleet.count() + chance.randrange(1, pages // 5)
            fleet.until(lambda: worker.poll() is not None or fleet.count() >= until, "more items")  # noqa: B023 waited for
            worker.terminate()
            assert worker.wait(30) == 0
        fleet.run(*_outputs(names))
        return fleet.outcome("feed: JOBDIR stopped")


def feed_own_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of workers with feeds of their own, as jobs of Scrapyd; a new one has a new file."""
    with FeedFleet(folder, pages=pages) as fleet:
        for number in range(3):
            fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
        for number in range(3, 7):
            fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(1, pages // 6)))
            worker = fleet.some_worker(chance)
            if worker is not None:
                fleet.kill(worker)
                fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
        return fleet.outcome("feed: own, killed")


def feed_own_all_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of all workers with feeds of their own; one new worker completes the files of all."""
    with FeedFleet(folder, pages=pages) as fleet:
        for number in range(3):
            fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
        fleet.until_items(chance.randrange(1, pages - 1))
        for worker in fleet.living():
            fleet.kill(worker)
        fleet.run("-o", "items-last.jl")
        return fleet.outcome("feed: own, all killed")


def feed_one_file_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of workers that write one file: the next one takes it over; the last one may come too late."""
    name, option = f"items.{chance.choice(FORMATS)}", chance.choice(("-o", "-O"))
    with FeedFleet(folder, pages=pages) as fleet:
        for _ in range(3):
            fleet.run(option, name)
        for _ in range(4):
            fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(1, pages // 6)))
            worker = fleet.some_worker(chance)
            if worker is not None:
                fleet.kill(worker)
                fleet.run(option, name)
        return fleet.outcome("feed: one file, killed")


def feed_parent_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of the parent of --processes in mid-crawl; the next command goes on at once."""
    name = f"items.{chance.choice(FORMATS)}"
    with FeedFleet(folder, pages=pages) as fleet:
        for _ in range(3):
            parent = fleet.run("--processes", "2", "-o", name)
            fleet.kill_sometime(parent, chance, pages // 4)
        fleet.run("--processes", "2", "-o", name)
        return fleet.outcome("feed: parent killed")


def feed_parent_killed_at_the_end(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of the parent after the last commit; the next command finds a crawl that has finished."""
    name = f"items.{chance.choice(FORMATS)}"
    with FeedFleet(folder, pages=pages) as fleet:
        parent = fleet.run("--processes", "2", "-o", name)
        fleet.until(lambda: parent.poll() is not None or fleet.state() == "finished", "the end of the crawl")
        time.sleep(chance.uniform(0, 0.05))
        if parent.poll() is None:
            fleet.kill(parent)
        fleet.run("--processes", "2", "-o", name)
        return fleet.outcome("feed: parent killed at end")


def feed_parent_relieved(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Two commands with --processes on one crawl and one file; the first is killed, the other takes over."""
    name = f"items.{chance.choice(FORMATS)}"
    with FeedFleet(folder, pages=pages) as fleet:
        first = fleet.run("--processes", "2", "-o", name)
        fleet.until_items(chance.randrange(1, pages // 3))
        fleet.run("--processes", "2", "-o", name)
        fleet.kill_sometime(first, chance, pages // 2)
        return fleet.outcome("feed: parent relieved")


def feed_child_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of worker processes of --processes."""
    name = f"items.{chance.choice(FORMATS)}"
    with FeedFleet(folder, pages=pages) as fleet:
        parent = fleet.run("--processes", "3", "-o", name)
        for _ in range(2):
            fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(1, pages // 4)))
            kill_child(parent.pid, chance)
        return fleet.outcome("feed: child killed")


def feed_full_disk(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """No file can grow from some moment on: the crawl ends, and goes on when there is space."""
    name = f"items.{chance.choice(FORMATS)}"
    redis = chance.random() < 0.6
    arguments = ["-o", name]
    if redis and chance.random() < 0.5:
        arguments += ["--processes", "2"]
    with FeedFleet(folder, redis=redis, pages=pages, settings={"LOG_LEVEL": "WARNING"}) as fleet:
        for number in range(1, 4):
            limit = int(pages * 8 * number * chance.uniform(0.3, 1))
            worker = fleet.run(*arguments, file_limit=limit)
            status = worker.wait(60)
            log = fleet.log_of(worker)
            assert status == 1, f"a full disk gave status {status}: {log}"
            said = "output_failed" in log or "store_failed" in log or "JOBDIR" in log
            assert said or len(log) >= limit, log  # no file grows: the log does not either
            fleet.workers.remove(worker)
        fleet.run(*arguments)
        return fleet.outcome("feed: full disk")


def _fall_back(fleet: FeedFleet, chance: random.Random, pages: int) -> None:
    """kill -9 of Redis, which comes back with a snapshot that is some pages old."""
    fleet.until_joined()
    fleet.until_items(int(chance.uniform(0.05, 0.6) * pages))
    with fleet.redis.client() as client:
        client.save()
    fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(10, pages // 5)))
    fleet.redis.kill()
    fleet.redis.start()


def feed_fallen_back(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Redis comes back without its latest writes: the files are cut to what it knows."""
    with FeedFleet(folder, pages=pages, lease_s=4.0, durable=False) as fleet:
        with fleet.site.holding_last_page():
            for number in range(2):
                fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
            _fall_back(fleet, chance, pages)
        return fleet.outcome("feed: Redis fallen back")


def feed_forgotten(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Redis comes back empty: the crawl begins again, and so do the files."""
    with FeedFleet(folder, pages=pages, lease_s=4.0, durable=False) as fleet:
        with fleet.site.holding_last_page():
            for number in range(2):
                fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
            fleet.until_joined()
            fleet.until_items(chance.randrange(1, pages // 2))
            fleet.redis.kill()
            fleet.redis.start()
        return fleet.outcome("feed: Redis forgotten")


def feed_keys_evicted(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Redis loses what it knows of the feeds, again and again; the workers remind it."""
    with FeedFleet(folder, pages=pages) as fleet:
        for number in range(2):
            fleet.run("-o", f"items-{number}.{chance.choice(FORMATS)}")
        for _ in range(5):
            fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(1, pages // 7)))
            with fleet.redis.client(decode_responses=True) as client:
                keys = [key for key in client.keys("*:fault:*") if key.endswith((":items", ":feeds"))]
                for key in chance.sample(keys, chance.randint(0, len(keys))):
                    client.delete(key)
        return fleet.outcome("feed: keys evicted")


def feed_batches_jobdir_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of a crawl with JOBDIR whose feed is a row of files, each with some items."""
    size = chance.choice((1, 7, pages // 10))
    settings = in_batches(chance.choice(FORMATS), size)
    with FeedFleet(folder, redis=False, pages=pages, settings=settings) as fleet:
        for _ in range(5):
            worker = fleet.run()
            fleet.kill_sometime(worker, chance, pages // 5)
        fleet.run()
        return _full_files(fleet, fleet.outcome("feed: batches, JOBDIR"), size)


def feed_batches_one_row_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of workers that write one row of files: the next one takes it over in the middle of a file."""
    size = chance.choice((1, 7, pages // 10))
    with FeedFleet(folder, pages=pages, settings=in_batches(chance.choice(FORMATS), size)) as fleet:
        for _ in range(3):
            fleet.run()
        for _ in range(4):
            fleet.until_items(min(pages - 1, fleet.count() + chance.randrange(1, pages // 6)))
            worker = fleet.some_worker(chance)
            if worker is not None:
                fleet.kill(worker)
                fleet.run()
        return _full_files(fleet, fleet.outcome("feed: batches, one row"), size)


def feed_batches_parent_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of the parent of --processes, which writes a row of compressed files."""
    size = chance.choice((7, pages // 10))
    settings = in_batches(chance.choice(FORMATS), size, chance.choice(tuple(COMPRESSED)))
    with FeedFleet(folder, pages=pages, settings=settings) as fleet:
        for _ in range(3):
            parent = fleet.run("--processes", "2")
            fleet.kill_sometime(parent, chance, pages // 4)
        fleet.run("--processes", "2")
        return _full_files(fleet, fleet.outcome("feed: batches, parent"), size)


def feed_batches_fallen_back(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Redis comes back without its latest writes: later files of a row are taken back."""
    size = chance.choice((3, 7, pages // 10))
    settings = in_batches(chance.choice(FORMATS), size)
    with FeedFleet(folder, pages=pages, lease_s=4.0, durable=False, settings=settings) as fleet:
        with fleet.site.holding_last_page():
            fleet.run()
            _fall_back(fleet, chance, pages)
        return _full_files(fleet, fleet.outcome("feed: batches fallen back"), size)


def feed_compressed_jobdir_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 and SIGTERM of a crawl with JOBDIR whose feed is compressed."""
    settings = compressed(chance.choice(FORMATS), chance.choice(tuple(COMPRESSED)))
    with FeedFleet(folder, redis=False, pages=pages, settings=settings) as fleet:
        for number in range(5):
            worker = fleet.run()
            if number % 2:
                until = fleet.count() + chance.randrange(1, pages // 5)
                fleet.until(lambda: worker.poll() is not None or fleet.count() >= until, "more pages")  # noqa: B023 waited for
                worker.terminate()
                assert worker.wait(30) == 0
            else:
                fleet.kill_sometime(worker, chance, pages // 5)
        fleet.run()
        return fleet.outcome("feed: compressed, JOBDIR")


def feed_compressed_one_file_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of workers that write one compressed file, or of the parent of --processes."""
    settings = compressed(chance.choice(FORMATS), chance.choice(tuple(COMPRESSED)))
    arguments = chance.choice(((), ("--processes", "2")))
    with FeedFleet(folder, pages=pages, settings=settings) as fleet:
        for _ in range(3):
            worker = fleet.run(*arguments)
            fleet.run(*arguments)
            fleet.kill_sometime(worker, chance, pages // 4)
        fleet.run(*arguments)
        return fleet.outcome("feed: compressed, one file")


def _full_files(fleet: FeedFleet, outcome: Outcome, size: int) -> Outcome:
    """Return the outcome, if every file of the row but the last has `size` items."""
    *full, last = [len(read_feed(path)) for path in fleet.files()]
    assert set(full) <= {size}, full
    assert 0 < last <= size
    return outcome


def _outputs(names: list[str]) -> list[str]:
    return [part for name in names for part in ("-o", name)]


FEED_SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        feed_jobdir_killed,
        feed_jobdir_stopped,
        feed_own_killed,
        feed_own_all_killed,
        feed_one_file_killed,
        feed_parent_killed,
        feed_parent_killed_at_the_end,
        feed_parent_relieved,
        feed_child_killed,
        feed_full_disk,
        feed_fallen_back,
        feed_forgotten,
        feed_keys_evicted,
        feed_batches_jobdir_killed,
        feed_batches_one_row_killed,
        feed_batches_parent_killed,
        feed_batches_fallen_back,
        feed_compressed_jobdir_killed,
        feed_compressed_one_file_killed,
    )
}
