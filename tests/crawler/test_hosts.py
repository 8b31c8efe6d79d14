"""The queue by host: order within and across hosts, busy hosts set aside, nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.queue.hosts import HostQueue


def anyone(host: str) -> bool:
    return True


def test_an_empty_queue_gives_none() -> None:
    queue: HostQueue[str] = HostQueue()
    assert queue.pop(anyone) is None
    assert not queue


def test_the_smallest_key_of_all_hosts_leaves_first() -> None:
    queue: HostQueue[str] = HostQueue()
    for host, key in [("a", 5), ("b", 3), ("a", 1), ("c", 4), ("b", 2)]:
        queue.push(host, key, f"{host}{key}")
    assert [queue.pop(anyone) for _ in range(6)] == ["a1", "b2", "b3", "c4", "a5", None]


def test_a_busy_host_is_asked_once_until_it_is_released() -> None:
    queue: HostQueue[int] = HostQueue()
    for key in range(1000):
        queue.push("slow", key, key)
    queue.push("quick", 5000, 5000)
    queue.push("quick", 5001, 5001)
    asked: list[str] = []

    def free(host: str) -> bool:
        asked.append(host)
        return host == "quick"

    assert queue.pop(free) == 5000
    assert queue.pop(free) == 5001
    assert queue.pop(free) is None
    assert asked.count("slow") == 1
    assert list(queue.busy_hosts()) == ["slow"]
    queue.release("slow")
    assert queue.pop(anyone) == 0


def test_what_is_pushed_to_a_busy_host_waits_with_it() -> None:
    queue: HostQueue[int] = HostQueue()
    queue.push("slow", 2, 2)
    assert queue.pop(lambda host: False) is None
    queue.push("slow", 1, 1)
    assert queue.pop(anyone) is None
    queue.release("slow")
    assert [queue.pop(anyone) for _ in range(2)] == [1, 2]


def test_drain_takes_everything_and_forgets_who_was_busy() -> None:
    queue: HostQueue[int] = HostQueue()
    for key in range(5):
        queue.push(f"h{key % 2}", key, key)
    queue.pop(lambda host: host == "h1")
    assert sorted(queue.drain()) == [0, 2, 3, 4]
    assert len(queue) == 0
    queue.push("h0", 9, 9)
    assert queue.pop(anyone) == 9


hosts = st.sampled_from("abc")
steps = st.one_of(
    st.tuples(st.just("push"), hosts), st.tuples(st.just("pop"), hosts), st.tuples(st.just("release"), hosts)
)


@given(st.lists(steps, max_size=80))
def test_it_agrees_with_a_plain_list(script: list[tuple[str, str]]) -> None:
    """Each pop refuses one host; the queue must give what a search through a list gives."""
    queue: HostQueue[int] = HostQueue()
    model: list[tuple[int, str]] = []
    aside: set[str] = set()
    for key, (verb, host) in enumerate(script):
        if verb == "push":
            queue.push(host, key, key)
            model.append((key, host))
        elif verb == "release":
            queue.release(host)
            aside.discard(host)
        else:
            expected = next((pair for pair in model if pair[1] not in aside | {host}), None)
            head = next((pair for pair in model if pair[1] not in aside), None)
            if head is not None and head[1] == host:
                aside.add(host)
            assert queue.pop(lambda each, busy=host: each != busy) == (expected and expected[0])  # type: ignore[misc]
            if expected:
                model.remove(expected)
        assert len(queue) == len(model)
        assert dict(queue.sizes()) == {h: sum(1 for _, each in model if each == h) for _, h in model}
