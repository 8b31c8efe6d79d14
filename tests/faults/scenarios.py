"""What may happen to a shared crawl; each scenario returns what the crawl came to nevertheless."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from aioscrapy.crawls.keys import OWN
from faults.fleet import META, PUSH, Fleet, HonestOutcome, Outcome

Scenario = Callable[[Path, random.Random, int], Outcome]


def nothing(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Two workers to whom nothing happens."""
    with Fleet(folder, pages=pages) as fleet:
        fleet.start(2)
        return fleet.outcome("nothing")


def killed_worker(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of a random worker of two, at random moments, three times; each is started again."""
    with Fleet(folder, pages=pages) as fleet:
        fleet.start(2)
        for moment in sorted(chance.uniform(0, 0.9) for _ in range(3)):
            fleet.until_items(int(moment * pages))
            worker = fleet.some_worker(chance)
            if worker is not None:
                fleet.kill(worker)
                fleet.start()
        return fleet.outcome("killed worker")


def killed_seeder(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of the worker that runs `start_requests`, before it has committed them all."""
    with Fleet(folder, pages=pages, seeding_s=1.5) as fleet:
        fleet.start(2)
        seeding = "seeding begins"
        fleet.until(lambda: [w for w in fleet.workers if seeding in fleet.log_of(w)], "the seeding")
        time.sleep(chance.uniform(0, 1.0))
        fleet.kill(next(worker for worker in fleet.workers if seeding in fleet.log_of(worker)))
        outcome = fleet.outcome("killed seeder")
        assert fleet.logged(seeding) == 2, "the seeding was not taken over"
        return outcome


def all_killed(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of both workers at a random moment; a new one finds the crawl."""
    with Fleet(folder, pages=pages) as fleet:
        fleet.start(2)
        fleet.until_items(int(chance.uniform(0, 0.9) * pages))
        for worker in fleet.living():
            fleet.kill(worker)
        fleet.start()
        return fleet.outcome("all killed")


def slept_too_long(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """SIGSTOP of a worker for longer than its lease, then SIGCONT."""
    with Fleet(folder, pages=pages, lease_s=1.0, delay_s=0.1) as fleet:
        fleet.start(2)
        fleet.until_items(int(chance.uniform(0.05, 0.3) * pages))
        sleeper = fleet.some_worker(chance)
        assert sleeper is not None
        fleet.send(sleeper, signal.SIGSTOP)
        time.sleep(2.0)
        fleet.send(sleeper, signal.SIGCONT)
        outcome = fleet.outcome("slept too long")
        assert outcome.workers_lost, "nobody took the sleeper's pages"
        return outcome


def killed_redis(folder: Path, chance: random.Random, pages: int, away_s: float = 5.0) -> Outcome:
    """kill -9 of Redis, which comes back after `away_s` seconds with what it had written."""
    with Fleet(folder, pages=pages, lease_s=4.0) as fleet:
        fleet.start(2)
        fleet.until_joined()
        fleet.until_items(int(chance.uniform(0, 0.9) * pages))
        fleet.redis.kill()
        time.sleep(away_s)
        fleet.redis.start()
        return fleet.outcome("killed Redis")


def _redis_forgets(fleet: Fleet) -> int:
    """kill -9 of a Redis that is not durable; return how many items are lost."""
    before = fleet.count()
    fleet.redis.kill()
    fleet.redis.start()
    return before - fleet.count()


def _noticed(fleet: Fleet, name: str, lost: int, words: str) -> Outcome:
    """A worker must say so, if anything is lost."""
    outcome = fleet.outcome(name)
    assert lost <= 0 or fleet.logged(words), f"nobody noticed that {lost} items are lost"
    return outcome


def fallen_back(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of Redis, which comes back with a snapshot that is some pages old."""
    with Fleet(folder, pages=pages, lease_s=4.0, durable=False) as fleet:
        with fleet.site.holding_last_page():
            fleet.start(2)
            fleet.until_joined()
            fleet.until_items(int(chance.uniform(0.01, 0.8) * pages))
            with fleet.redis.client() as client:
                client.save()
            fleet.until_items(min(pages - 1, fleet.count() + int(chance.uniform(0.02, 0.15) * pages)))
            lost = _redis_forgets(fleet)
        return _noticed(fleet, "fallen back", lost, "lost the latest commits")


def forgotten(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """kill -9 of a Redis that keeps nothing on disk; it comes back empty."""
    with Fleet(folder, pages=pages, lease_s=4.0, durable=False) as fleet:
        with fleet.site.holding_last_page():
            fleet.start(2)
            fleet.until_joined()
            fleet.until_items(int(chance.uniform(0.01, 0.9) * pages))
            lost = _redis_forgets(fleet)
        return _noticed(fleet, "forgotten", lost, "lost the whole crawl")


def interrupted(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """One SIGINT to each worker at a random moment; they end in good order, and new ones go on."""
    with Fleet(folder, pages=pages) as fleet:
        fleet.start(2)
        fleet.until_items(int(chance.uniform(0, 0.9) * pages))
        for worker in fleet.living():
            fleet.send(worker, signal.SIGINT)
        began = time.monotonic()
        fleet.join()
        assert time.monotonic() - began < 10, "the workers did not end in time"
        fleet.start(2)
        return fleet.outcome("interrupted")


POISON: list[dict[bytes, bytes]] = [
    {b"request": b'{"url":"http://\xff\xfe/p"}'},
    {b"request": b'{"url":"http://127.0.0.1/","encoding":"nosuch"}'},
    {b"request": b'{"url":"http://127.0.0.1/"}', b"fingerprint": b"short"},
    {b"request": b'{"url":"http://127.0.0.1/","headers":5}'},
    {b"request": b'{"url":' + b"[" * 5000},
    {b"request": b"\x80\x81"},
    {b"nosuch": b"x"},
]


def poisoned(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Entries that can't be used are pushed all the time; each is one dead letter."""
    with Fleet(folder, pages=pages) as fleet:
        fleet.start(2)
        pushed = 0
        for moment in sorted(chance.uniform(0, 0.9) for _ in range(20)):
            fleet.until_items(int(moment * pages))
            with fleet.redis.client() as client:
                client.xadd(PUSH, chance.choice(POISON))
            pushed += 1
        outcome = fleet.outcome("poisoned")
        with fleet.redis.client() as client:
            failed = int(client.hget(META, "failed") or 0) + int(client.xlen(PUSH))  # pushed after the end
        assert failed == pushed, f"{failed} dead letters of {pushed} entries"
        return outcome


def evicted(folder: Path, chance: random.Random, pages: int) -> Outcome:
    """Redis loses some keys of the crawl, as by eviction; no end is `finished` with pages missing."""
    with Fleet(folder, pages=pages, lease_s=4.0) as fleet:
        fleet.start(2)
        fleet.until_items(int(chance.uniform(0, 0.9) * pages))
        lost = chance.sample([suffix for suffix in OWN if suffix != "items"], chance.randint(1, 3))
        with fleet.redis.client() as client:
            client.delete(*(f"{META.removesuffix('meta')}{suffix}" for suffix in lost))
        return HonestOutcome(**vars(fleet.outcome("evicted")))


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        nothing,
        killed_worker,
        killed_seeder,
        all_killed,
        slept_too_long,
        killed_redis,
        fallen_back,
        forgotten,
        interrupted,
        poisoned,
        evicted,
    )
}
