"""The frontiers against a model: whatever workers do in whatever order, each request is in one state only.

AIOSCRAPY_TEST_EXAMPLES sets how many crawls are tried of each frontier (40).
"""

import asyncio
import itertools
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aioscrapy.crawls.keys import OWN
from aioscrapy.db import db_manager
from aioscrapy.exceptions import StoreError
from aioscrapy.queue.base import Lease, Order, Reply, State
from faults.drivers import Clock, CrawlKeys, InMemory, InRedis, OnDisk, sort_key_and_mark
from faults.model import HOSTS, Draft, Expected, Model, Sheet
from support.redis import RedisServer

PROFILE = settings(
    max_examples=int(os.environ.get("AIOSCRAPY_TEST_EXAMPLES", "40")),
    stateful_step_count=40,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
PRIORITIES = st.sampled_from([0, 0, 0, 1, -1, 7, 2**20 - 1, -(2**20), 2**30, -(2**30)])
DRAFTS = st.lists(
    st.builds(
        Draft,
        number=st.integers(0, 15),
        priority=PRIORITIES,
        delayed=st.sampled_from([False] * 5 + [True]),
        unfiltered=st.sampled_from([False] * 7 + [True]),
    ),
    max_size=6,
)
KINDS = st.sampled_from(["final", "final", "final", "piece", "back"])
PAGES = st.lists(
    st.tuples(st.integers(0, 7), KINDS, DRAFTS, st.integers(0, 2), st.sampled_from(["", "", "", "broken"])),
    max_size=4,
)
WANT = st.integers(0, 5)
WHO = st.integers(0, 3)
BUSY = st.lists(st.sampled_from(HOSTS), unique=True, max_size=2)
CAP = st.sampled_from([0, 0, 1, 2])
# What another program may push, and nobody can use.
POISON = st.sampled_from(
    [
        {"request": b""},
        {"request": b"\xff\xfe"},
        {"request": b"[1]"},
        {"request": b'{"url": 5}'},
        {"request": b'{"url": "no host"}'},
        {"request": b"[" * 5000},
        {"other": b"field"},
        {"request": b'{"url": "http://a/1"}', "fingerprint": b"short"},
    ]
)


class _Crawls(RuleBasedStateMachine):
    """What is the same in all machines: drafts get marks, items get numbers, answers are compared."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self.run = runner.run
        self.model = Model(Order.PRIORITY)
        self.marks = itertools.count(1)

    def sheet(self, lease: Lease | None, kind: str, drafts: list[Draft], items: int, failure: str) -> Sheet:
        for draft in drafts:
            draft.mark = next(self.marks)
        made = [b"item %d" % next(self.marks) for _ in range(items)]
        return Sheet(lease, kind, drafts, made, failure if kind == "final" else "")

    def compare(self, reply: Reply, expected: Expected) -> None:
        leased = [lease.request.meta["mark"] if lease.request else None for lease in reply.leases]
        assert leased == expected.leases, "the most urgent first"
        assert list(reply.accepted) == expected.accepted
        assert reply.state == expected.state
        assert reply.lost == expected.lost
        assert reply.waiting == expected.waiting
        assert reply.filtered == expected.filtered
        assert not reply.broken


class Alone(_Crawls):
    """A frontier of one process, which may be killed and started again where it keeps a file."""

    driver: ClassVar[type[InMemory | OnDisk]]

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        super().__init__(runner)
        self._folder = folder
        self.held: list[Lease] = []

    @initialize(order=st.sampled_from(Order))
    def begin(self, order: Order) -> None:
        loop = self.run(_loop())
        self.frontier = self.driver(loop, Path(tempfile.mkdtemp(dir=self._folder)), order)
        self.model = Model(order, numbered_when_due=self.driver.numbered_when_due)
        assert self.run(self.frontier.open()) is State.OPEN

    @precondition(lambda self: self.model.state is State.OPEN)
    @rule(pages=PAGES, want=st.integers(1, 5))
    def exchange(self, pages: list[Any], want: int) -> None:
        self._exchange(pages, want, {}, {})

    def _exchange(self, pages: list[Any], want: int, limits: dict[str, Any], how: dict[str, Any]) -> None:
        sheets = []
        for which, kind, drafts, items, failure in pages:
            if not self.held:
                break
            lease = self.held[which % len(self.held)]
            sheets.append(self.sheet(lease, kind, [] if kind == "back" else drafts, items, failure))
            if kind != "piece":
                self.held.remove(lease)
        reply = self.run(self.frontier.exchange(sheets, want, **limits, **how))
        expected = self.model.exchange("only", sheets, want, **limits)
        self.compare(reply, expected)
        self.held += reply.leases

    @rule()
    def time_passes(self) -> None:
        self.model.time_passes()
        self.run(self.frontier.time_passes())

    @invariant()
    def each_request_is_in_one_state(self) -> None:
        self.model.check()

    def teardown(self) -> None:
        if hasattr(self, "frontier"):
            while self.model.state is State.OPEN:
                self.time_passes()
                self.exchange([(0, "final", [], 0, "")] * len(self.held), 5)
            self.run(self.frontier.close())


class Memory(Alone):
    driver = InMemory


class Disk(Alone):
    driver = OnDisk

    @precondition(lambda self: self.model.state is State.OPEN)
    @rule(
        pages=PAGES,
        want=WANT,
        busy=BUSY,
        cap=CAP,
        may_finish=st.booleans(),
        unheard=st.sampled_from([0, 0, 1]),
    )
    def exchange_with_limits(
        self, pages: list[Any], want: int, busy: list[str], cap: int, may_finish: bool, unheard: int
    ) -> None:
        limits = {"busy": busy, "cap": cap, "may_finish": may_finish}
        self._exchange(pages, want, limits, {"unheard": bool(unheard)})

    @precondition(lambda self: self.model.state is State.OPEN and self.held)
    @rule(pages=PAGES, want=WANT)
    def full_disk(self, pages: list[Any], want: int) -> None:
        """An exchange either is complete, or has changed nothing: then the crawl goes on after a restart."""
        self.run(self.frontier.fill_disk(True))
        for _, _, drafts, _, _ in pages:
            for draft in drafts:
                draft.padding = 20_000
        try:
            self._exchange(pages, want, {}, {})
        except StoreError:
            self.run(self.frontier.fill_disk(False))
            self.restart()
        else:
            self.run(self.frontier.fill_disk(False))

    @precondition(lambda self: self.model.state is State.OPEN)
    @rule()
    def restart(self) -> None:
        """The process is killed, and started again in the same folder."""
        self.run(self.frontier.restart())
        self.model.restart()
        self.held.clear()


class Shared(_Crawls):
    """Workers of a crawl in Redis, which join, leave, crash, oversleep, and do not hear their answers."""

    numbers = itertools.count(1)
    evicted = ""  # the key that Redis has lost

    def __init__(self, runner: asyncio.Runner, url: str, redis: Any) -> None:
        super().__init__(runner)
        self._url = url
        self._redis = redis
        self.workers: list[InRedis] = []

    @initialize(order=st.sampled_from(Order))
    def begin(self, order: Order) -> None:
        self._crawl = f"crawl-{next(self.numbers)}"
        self._order = order
        self.keys = CrawlKeys(self._redis, self._crawl)
        self.keys.forget_pushed()
        self.model = Model(order, shared=True)
        self.join()

    @precondition(lambda self: len(self.workers) < 3 and not self.evicted)
    @rule()
    def join(self) -> None:
        worker = InRedis(self._url, self._crawl, self._order)
        assert self.run(worker.open()) is self.model.state
        if self.model.state is State.OPEN:
            self.workers.append(worker)

    @precondition(lambda self: self.workers)
    @rule(
        who=WHO,
        pages=PAGES,
        want=WANT,
        busy=BUSY,
        cap=CAP,
        may_finish=st.sampled_from([True, True, True, False]),
        heard=st.sampled_from(["yes"] * 6 + ["answer lost", "call lost"]),
    )
    def exchange(
        self, who: int, pages: list[Any], want: int, busy: list[str], cap: int, may_finish: bool, heard: str
    ) -> None:
        """One exchange: pages that the worker holds, or believes to hold, or has committed already."""
        worker = self._worker(who)
        if worker.pending is not None:
            self.repeat(who)
            return
        sheets = [
            self.sheet(worker.got[which % len(worker.got)], kind, *rest)
            for which, kind, *rest in pages
            if worker.got
        ]
        limits = {"busy": busy, "cap": cap, "may_finish": may_finish}
        expected = None
        if heard != "call lost":
            expected = self.model.exchange(worker.name, sheets, want, **limits)
        if heard == "yes":
            self._heard(worker, (sheets, want, limits), expected)
        else:
            worker.pending = (sheets, want, limits), expected
            worker.dry_since = None
            self.model.tried.add(worker.name)
            self.run(worker.exchange_unheard(sheets, want, done=expected is not None, **limits))

    @precondition(lambda self: any(worker.pending for worker in self.workers))
    @rule(who=WHO)
    def repeat(self, who: int) -> None:
        """A worker that did not hear the answer calls again: it hears what it would have heard then."""
        worker = self._worker(who)
        if worker.pending is None:
            return
        call, expected = worker.pending
        worker.pending = None
        if expected is None:
            sheets, want, limits = call
            expected = self.model.exchange(worker.name, sheets, want, **limits)
        self._heard(worker, call, expected)

    def _heard(self, worker: InRedis, call: tuple[Any, ...], expected: Any) -> None:
        sheets, want, limits = call
        reply = self.run(worker.exchange(sheets, want, **limits))
        self.compare(reply, expected)
        assert (reply.next_due_s is not None) == expected.delayed
        worker.got = [*reversed(reply.leases), *worker.got]
        unlimited = len(reply.leases) < want and not limits["busy"] and not limits["cap"]
        worker.dry_since = reply.cursor if unlimited and reply.state is State.OPEN else None

    @precondition(lambda self: self.workers)
    @rule(number=st.integers(0, 15))
    def push_from_outside(self, number: int) -> None:
        worker = self.workers[0]
        if worker.pending is None and self.model.state is State.OPEN:
            draft = Draft(number, 0, delayed=False, unfiltered=True)
            call = [self.sheet(None, "final", [draft], 0, "")], 0, {"may_finish": False, "busy": (), "cap": 0}
            sheets, want, limits = call
            self._heard(worker, call, self.model.exchange(worker.name, sheets, want, **limits))

    @precondition(lambda self: self.model.state is State.OPEN)
    @rule(fields=POISON)
    def poison(self, fields: dict[str, bytes]) -> None:
        """Another program pushes what nobody can use."""
        self.keys.poison(fields)
        self.model.poison.append(next(self.marks))

    @precondition(lambda self: self.workers)
    @rule(who=WHO)
    def oversleep(self, who: int) -> None:
        """A worker is silent for longer than its lease; it may speak again later."""
        name = self._worker(who).name
        self.keys.end_lease_time(name)
        if name in self.model.members:
            self.model.members[name] = True

    @precondition(lambda self: self.workers)
    @rule(who=WHO)
    def crash(self, who: int) -> None:
        """As `oversleep`, and it is never heard again."""
        self.oversleep(who)
        self.workers.remove(self._worker(who))

    @precondition(lambda self: self.workers)
    @rule(who=WHO)
    def leave(self, who: int) -> None:
        """All that it holds is ready at once, also where it has not heard what it was given last."""
        worker = self._worker(who)
        self.workers.remove(worker)
        self.run(worker.close())
        self.model.leave(worker.name)

    @rule()
    def time_passes(self) -> None:
        self.keys.time_passes()
        self.model.time_passes()

    @invariant()
    def the_keys_say_what_the_model_says(self) -> None:
        if not hasattr(self, "keys"):
            return
        self.model.check()
        keys, model = self.keys.read(), self.model
        ready = [sort_key_and_mark(member) for member in keys["ready"]]
        assert sorted(ready) == sorted((each.key, each.mark) for each in model.those("ready"))
        delayed = [sort_key_and_mark(member) for member in keys["delayed"]]
        assert sorted(delayed) == sorted((each.key, each.mark) for each in model.those("delayed"))
        assert _leased(keys["leased"]) == {
            **{each.mark: (each.holder, each.token) for each in model.those("leased")},
            **({0: model.seeder} if model.seeder[0] else {}),
        }
        heads: dict[bytes, int] = {}
        for each in model.those("ready"):
            host = each.host.encode()
            heads[host] = min(each.key, heads.get(host, each.key))
        assert dict(keys["hosts"]) == heads
        assert keys["items"] == model.items, "the items of accepted pages, once, in order"
        assert keys["seen"] == model.seen
        assert len(keys["failed"]) == len(model.those("failed"))
        assert {name.decode() for name in keys["workers"]} == set(model.members)
        self._check_counters(keys["meta"])
        self._check_news(keys["wake"])

    def _check_counters(self, meta: dict[bytes, bytes]) -> None:
        assert meta[b"state"].decode() == self.model.state
        assert (meta.get(b"seeded") == b"1") == self.model.seeded
        for name in ("done", "failed", "filtered", "refused", "workers_lost"):
            assert int(meta.get(name.encode(), 0)) == self.model.counts[name], name
        assert int(meta[b"seq"]) == len(self.model.requests)

    def _check_news(self, wake: list[tuple[bytes, Any]]) -> None:
        """Whoever waits has been told of what it could take, and of the end."""
        told = int(wake[0][0].partition(b"-")[0]) if wake else 0
        something = self.model.those("ready") or self.model.state is State.FINISHED
        for worker in self.workers:
            if worker.dry_since is not None and something and worker.name in self.model.members:
                assert told > worker.dry_since, "a worker waits, and nobody has told it"

    def _worker(self, who: int) -> InRedis:
        return self.workers[who % len(self.workers)]

    def teardown(self) -> None:
        """Whatever happened, another worker brings the crawl to its end."""
        if hasattr(self, "keys") and self.model.state is State.OPEN:
            for who in range(len(self.workers)):
                self.oversleep(who)
            self.workers.clear()
            self.join()
            while self.model.state is State.OPEN:
                self.time_passes()
                held = len(self.model.those("leased")) + (self.model.seeder != ("", 0))
                pages = [(n, "final", [], 1, "") for n in range(held)]
                self.exchange(0, pages, 5, [], 0, True, "yes")
            self.the_keys_say_what_the_model_says()
            assert self.model.counts["done"] + self.model.counts["failed"] == len(self.model.requests)


class Evicted(Shared):
    """As Shared, until Redis loses a key: then no crawl is called finished that lacks a page."""

    @precondition(lambda self: not self.evicted and self.model.state is State.OPEN and self.workers)
    @rule(suffix=st.sampled_from([suffix for suffix in OWN if suffix != "bloom"]), survive=st.booleans())
    def evict(self, suffix: str, survive: bool) -> None:
        """The workers go on to the end, or all are killed and another one does."""
        self.evicted = suffix
        self.keys.evict(suffix)
        workers = [worker for worker in self.workers if worker.pending is None and survive]
        for worker in self.workers:
            if worker not in workers:
                self.keys.end_lease_time(worker.name)
        fresh = InRedis(self._url, self._crawl, self._order)
        if self.run(fresh.open()) is State.OPEN:
            workers.append(fresh)
        owed = {request.mark for request in self.model.requests.values()}
        done = {request.mark for state in ("done", "failed") for request in self.model.those(state)}
        reply = self._to_the_end(workers, done)
        if reply is not None and reply.state is State.FINISHED and not reply.problem:
            assert owed <= done, f"finished without {suffix}, and {owed - done} were not done"
        self.workers.clear()
        self.model.state = State.FINISHED

    def _to_the_end(self, workers: list[InRedis], done: set[int]) -> Reply | None:
        """Let the workers do all that is left, in turns; return the last reply."""
        reply = None
        for worker in itertools.islice(itertools.cycle(workers), 150):
            self.keys.time_passes()
            self.keys.repair_at_once()
            sheets = [self.sheet(lease, "final", [], 0, "") for lease in worker.got]
            reply = self.run(worker.exchange(sheets, 5, busy=(), cap=0, may_finish=True))
            worker.got = list(reply.leases)
            for sheet, taken in zip(sheets, reply.accepted, strict=True):
                if taken and sheet.lease and sheet.lease.request:
                    done.add(sheet.lease.request.meta["mark"])
            if reply.state not in {State.OPEN, State.IDLE}:
                return reply
        assert not workers, f"the crawl without {self.evicted} never ends"
        return reply

    @invariant()
    def the_keys_say_what_the_model_says(self) -> None:
        if not self.evicted:
            super().the_keys_say_what_the_model_says()


def _leased(leased: dict[bytes, bytes]) -> dict[int, tuple[str, int]]:
    """Return mark -> (worker, token), the seeding lease under 0."""
    found = {}
    for id, value in leased.items():
        worker, token, member = value.split(b"\n", 2)
        mark = 0 if id == b"0" else sort_key_and_mark(member)[1]
        found[mark] = worker.decode(), int(token)
    return found


async def _loop() -> Any:
    return asyncio.get_running_loop()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=Clock) as runner:
        yield runner
        runner.run(db_manager.close_all())


@pytest.mark.timeout(0)
def test_a_crawl_in_redis_is_as_the_model(runner: asyncio.Runner, redis_server: RedisServer) -> None:
    with redis_server.client() as redis:
        run_state_machine_as_test(partial(Shared, runner, redis_server.url, redis), settings=PROFILE)


@pytest.mark.timeout(0)
def test_a_crawl_that_loses_a_key_is_complete_or_says_what_is_missing(
    runner: asyncio.Runner, redis_server: RedisServer
) -> None:
    with redis_server.client() as redis:
        profile = settings(PROFILE, max_examples=PROFILE.max_examples // 2)
        run_state_machine_as_test(partial(Evicted, runner, redis_server.url, redis), settings=profile)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("machine", [Memory, Disk])
def test_a_crawl_of_one_process_is_as_the_model(
    runner: asyncio.Runner, tmp_path: Path, machine: type[Alone]
) -> None:
    run_state_machine_as_test(partial(machine, runner, tmp_path), settings=PROFILE)
