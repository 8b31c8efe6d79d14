"""How long a crawl still needs, by what it did in the last minutes."""

import time
from collections import deque
from collections.abc import Callable

# Seconds of the past that count, and seconds between two marks.
WINDOW_S = 120.0
STEP_S = 2.0
# Crawls that are remembered.
KEPT = 1000


class Pace:
    """Pages a minute of each crawl, from the counts that were read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, deque[tuple[float, int]]] = {}

    def rate(self, crawl: str, done: int, average: float) -> float:
        """Note how many pages are done, and return pages a minute; the average until two marks are there."""
        now = self._clock()
        if crawl not in self._marks and len(self._marks) >= KEPT:
            self._marks.clear()
        marks = self._marks.setdefault(crawl, deque())
        if not marks or now - marks[-1][0] >= STEP_S:
            marks.append((now, done))
        while len(marks) > 1 and now - marks[0][0] > WINDOW_S:
            marks.popleft()
        began, before = marks[0]
        if now - began < STEP_S or done < before:
            return average
        return (done - before) * 60 / (now - began)


def seconds_left(waiting: int, rate: float) -> float | None:
    """Return the seconds that the known requests need; None if that is not known.

    Args:
        waiting: requests that are ready, leased or delayed.
        rate: pages a minute.
    """
    if waiting == 0:
        return 0.0
    return waiting * 60 / rate if rate > 0 else None
