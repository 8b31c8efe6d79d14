"""The shared frontier in Redis: what workers that die, sleep or leave can't break."""

import asyncio
from itertools import chain
from typing import Any

import pytest

from aioscrapy.queue.base import Page
from support.frontier import SOON_S, Worker, figures, numbers, page

SHORT = {"SCHEDULER_LEASE": 0.4, "SCHEDULER_HEARTBEAT": 0.1}


async def test_the_pages_of_a_dead_worker_go_to_another(shared: dict[str, Any], redis: Any) -> None:
    async with Worker({**shared, **SHORT}) as living:
        dying = await Worker({**shared, **SHORT}).__aenter__()
        await dying.seed(page(1), page(2))
        await dying.take_request()
        await dying.fall_asleep()
        assert sorted(numbers(await living.rest())) == [1, 2]
        assert figures(redis, living)["workers_lost"] == "1"


async def test_nothing_that_a_dead_worker_had_not_committed_is_seen(shared: dict[str, Any]) -> None:
    async with Worker({**shared, **SHORT}) as living:
        dying = await Worker({**shared, **SHORT}).__aenter__()
        await dying.seed(page(1))
        lease = await dying.take_request()
        await dying.fall_asleep()
        await dying.done(lease, page(2))  # into the outbox, which nobody sends any more
        assert (await living.take_request()).request is not None
        assert living.scheduler.waiting() == 0


async def test_what_a_dead_worker_had_leased_ahead_is_put_back_too(shared: dict[str, Any]) -> None:
    ahead = {"CONCURRENT_REQUESTS": 4, "SCHEDULER_PREFETCH": 16}
    async with Worker({**shared, **SHORT}) as living:
        dying = await Worker({**shared, **SHORT, **ahead}).__aenter__()
        await dying.seed(*(page(number) for number in range(1, 31)))
        for _ in range(4):
            await dying.take_request()
        await dying.fall_asleep()
        assert sorted(numbers(await living.rest())) == list(range(1, 31))


async def test_a_worker_that_slept_longer_than_its_lease_is_refused(
    shared: dict[str, Any], redis: Any
) -> None:
    async with Worker({**shared, **SHORT}) as awake, Worker({**shared, **SHORT}) as sleeper:
        await sleeper.seed(page(1))
        lease = await sleeper.take_request()
        await sleeper.fall_asleep()
        again = await awake.take_request()
        await sleeper.done(lease, page(100))
        sleeper.wake_up()
        await awake.done(again, page(2))
        assert numbers(chain(*await asyncio.gather(awake.rest(), sleeper.rest()))) == [2]
        assert sleeper.stat("scheduler/refused") == 1
        assert sleeper.stat("scheduler/leases_lost") == 1
        assert figures(redis, awake)["refused"] == "1"
        assert figures(redis, awake)["seq"] == "2"  # page 100 was never accepted


async def test_a_worker_that_slept_alone_keeps_its_pages(shared: dict[str, Any]) -> None:
    async with Worker({**shared, **SHORT}) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        await worker.fall_asleep()
        await asyncio.sleep(0.6)
        worker.wake_up()
        await worker.done(lease, page(2))
        assert numbers(await worker.rest()) == [2]
        assert worker.stat("scheduler/refused") == 0


async def test_a_worker_that_leaves_gives_all_back_at_once(shared: dict[str, Any]) -> None:
    ahead = {"CONCURRENT_REQUESTS": 4, "SCHEDULER_PREFETCH": 16}
    async with Worker(shared) as staying:
        async with Worker({**shared, **ahead}) as leaving:
            await leaving.seed(*(page(number) for number in range(1, 11)))
            await leaving.take_request()
        assert sorted(numbers(await staying.rest())) == list(range(1, 11))


async def test_a_heartbeat_keeps_the_pages_of_a_slow_callback(shared: dict[str, Any]) -> None:
    async with Worker({**shared, **SHORT}) as slow, Worker({**shared, **SHORT}) as other:
        await slow.seed(page(1))
        lease = await slow.take_request()
        with pytest.raises(TimeoutError):
            await other.take(timeout_s=1.2)  # three leases long
        await slow.done(lease)
        assert await other.take() is None
        assert slow.stat("scheduler/refused") == 0


# -- Seeding and the end


async def test_one_of_many_workers_seeds(shared: dict[str, Any]) -> None:
    async with Worker(shared) as first, Worker(shared) as second, Worker(shared) as third:
        takers = [asyncio.create_task(worker.take()) for worker in (first, second, third)]
        done, waiting = await asyncio.wait(takers, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
        (seeder,) = done
        lease = seeder.result()
        assert lease is not None
        assert lease.request is None
        owner = (first, second, third)[takers.index(seeder)]
        await owner.done(lease)
        assert {await task for task in waiting} == {None}


async def test_a_seeding_whose_worker_dies_is_taken_over_without_doubling(shared: dict[str, Any]) -> None:
    async with Worker({**shared, **SHORT, "CONCURRENT_REQUESTS": 3}) as living:
        dying = await Worker({**shared, **SHORT}).__aenter__()
        seeding = await dying.take_seeding()
        piece = Page(seeding, dying.entries([page(1)]), final=False)
        await dying.scheduler.commit(piece)
        assert numbers([(await living.take_request()).request.url]) == [1]  # type: ignore[union-attr]
        await dying.fall_asleep()
        again = await living.take()
        assert again is not None
        assert again.request is None
        await living.done(again, page(1), page(2))
        assert numbers([(await living.take_request()).request.url]) == [2]  # type: ignore[union-attr]
        assert living.stat("dupefilter/filtered") == 1


async def test_all_workers_learn_of_the_end_at_once(shared: dict[str, Any]) -> None:
    slow_beat = {"SCHEDULER_HEARTBEAT": 5.0}  # the news must come otherwise
    async with Worker({**shared, **slow_beat}) as first, Worker({**shared, **slow_beat}) as second:
        await first.seed(page(1))
        lease = await first.take_request()
        waiting = asyncio.create_task(second.take())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        await first.done(lease)
        assert await asyncio.wait_for(waiting, 1.0) is None
        assert await first.take(1.0) is None
        await first.ended()
        await second.ended()


async def test_new_work_wakes_a_worker_that_waits(shared: dict[str, Any]) -> None:
    async with Worker(shared) as first, Worker(shared) as second:
        await first.seed(page(1))
        lease = await first.take_request()
        waiting = asyncio.create_task(second.take())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        await first.done(lease, page(2), page(3))
        assert await asyncio.wait_for(waiting, 1.0) is not None


async def test_an_idle_worker_asks_less_than_once_a_second(shared: dict[str, Any], redis: Any) -> None:
    async with Worker(shared) as busy, Worker(shared) as idle:
        await busy.seed(page(1))
        await busy.take_request()
        waiting = asyncio.create_task(idle.take())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 1.0)

        redis.config_resetstat()
        await asyncio.sleep(4.0)
        asked = redis.info("commandstats")
        calls = sum(
            each["calls"] for name, each in asked.items() if name in {"cmdstat_evalsha", "cmdstat_xread"}
        )
        assert calls <= 4  # of two workers in 4 s: a heartbeat every 5 s, and a wait for news as long
        waiting.cancel()


async def test_a_worker_that_is_cancelled_ends_whatever_moment_it_is(shared: dict[str, Any]) -> None:
    busy = {"SCHEDULER_HEARTBEAT": 0.002}  # it talks to Redis all the time
    async with Worker({**shared, **busy}) as worker:
        await worker.seed(page(1))
        await worker.take_request()
        for step in range(60):
            await asyncio.sleep(step * 0.0001)
            async with asyncio.timeout(SOON_S):
                await worker.fall_asleep()
            worker.wake_up()
