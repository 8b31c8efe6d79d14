"""The limits of hosts: requests at once, and the time between two of them."""

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

from aioscrapy.exceptions import SettingError
from aioscrapy.log import logger
from aioscrapy.queue.base import HostLimits
from aioscrapy.settings import Settings

# The part by which RANDOMIZE_DOWNLOAD_DELAY varies a delay.
HALF = 0.5
# The keys of a slot in DOWNLOAD_SLOTS.
_SLOT_LIMITS = {"concurrency", "delay", "jitter", "randomize_delay"}


class SlotLimits(NamedTuple):
    """The limits of one host or slot: requests at once, seconds between two, the part by which those vary."""

    limit: int
    delay_s: float
    jitter: float


class _Slot:
    __slots__ = ("active", "base_s", "delay_s", "drawn_s", "extra", "limit", "next_s", "pauses", "turns")

    def __init__(self, limits: SlotLimits) -> None:
        self.active = 0
        self.limit = limits.limit
        self.base_s = limits.delay_s
        self.extra = 0  # requests of components, see `take_extra`
        self.turns: deque[asyncio.Future[None]] = deque()  # components that wait
        self.delay_s = limits.delay_s
        self.drawn_s = 0.0  # the wait after the request that was taken last, until it is sent
        self.next_s = 0.0  # monotonic time before which nothing is sent
        self.pauses = 0  # running timers


class Politeness:
    """The limits of every host in this process: requests at once, and the delay between two requests.

    Attributes:
        on_free: called with a host that was busy and may take a request again; the scheduler sets it.
        waits: a host has had a delay or a pause; until then every `turn` is now, and need not be asked for.
    """

    def __init__(
        self, limit: int, delay_s: float, jitter: float, slots: Mapping[str, SlotLimits] | None = None
    ) -> None:
        self._limits = SlotLimits(limit, delay_s, jitter)
        self._own_limits = slots or {}
        self.waits = any(own.delay_s > 0 for own in (self._limits, *self._own_limits.values()))
        self.on_free: Callable[[str], None] = lambda host: None
        self._slots: dict[str, _Slot] = {}

    @classmethod
    def from_settings(cls, settings: Settings, spider: object) -> Self:
        """Read the limits; `download_delay` and `max_concurrent_requests` of the spider win."""
        limit = getattr(spider, "max_concurrent_requests", None) or settings.getint(
            "CONCURRENT_REQUESTS_PER_DOMAIN"
        )
        delay_s = getattr(spider, "download_delay", None)
        if delay_s is None:
            delay_s = settings.getfloat("DOWNLOAD_DELAY")
        if settings.getbool("AUTOTHROTTLE_ENABLED"):
            delay_s = max(float(delay_s), settings.getfloat("AUTOTHROTTLE_START_DELAY"))
        limit = limit or settings.getint("CONCURRENT_REQUESTS")
        limits = SlotLimits(int(limit), float(delay_s), _jitter(settings))
        return cls(*limits, _slots(settings, limits))

    def limits(self) -> HostLimits | None:
        """Return the limits that a shared store applies; None if this process applies them."""
        return None

    def is_free(self, host: str) -> bool:
        """Return True if this host may take a request now."""
        slot = self._slots.get(host)
        return slot is None or (slot.active < slot.limit and not slot.pauses)

    def take(self, host: str) -> None:
        """Count a request that starts."""
        slot = self._slots.get(host)
        if slot is None:
            slot = self._new_slot(host)
        slot.active += 1
        if slot.delay_s > 0:
            slot.drawn_s = self._wait_s(host)
            self._pause(host, slot, slot.drawn_s)

    def turn(self, host: str) -> float:
        """Return 0 if a request that was taken may be sent now, else the seconds after which to ask again.

        What happens between `take` and `turn` takes time: middlewares, the robots.txt with a longer delay.
        """
        slot = self._slots.get(host)
        if slot is None:
            return 0.0
        wait_s = slot.drawn_s or self._wait_s(host)
        if not wait_s and not slot.next_s:
            return 0.0
        now_s = time.monotonic()  # uvloop's time() stands still until its next turn
        if now_s < slot.next_s:
            return slot.next_s - now_s
        if wait_s:
            slot.drawn_s, slot.next_s = 0.0, now_s + wait_s
            self._pause(host, slot, wait_s)
        return 0.0

    async def take_extra(self, host: str) -> None:
        """Wait until a component may send a request to this host, then count it until `end_extra`.

        Delay, pauses and the other requests of components count; pages in progress don't: a callback that
        waits here holds one of them.
        """
        while (slot := self._slots.get(host)) is not None and (slot.pauses or slot.extra >= slot.limit):
            waiter = asyncio.get_running_loop().create_future()
            slot.turns.append(waiter)
            await waiter
        self.take(host)
        slot = self._slots[host]
        slot.active -= 1
        slot.extra += 1

    def end_extra(self, host: str) -> None:
        """Count a request of a component that has ended."""
        slot = self._slots[host]
        slot.extra -= 1
        self._next_turn(slot)
        self._forget_idle(host, slot)

    @staticmethod
    def _next_turn(slot: _Slot) -> None:
        while slot.turns:
            waiter = slot.turns.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def pause(self, host: str, seconds: float) -> None:
        """Send nothing to a host for some time."""
        self.waits = True
        slot = self._slots.get(host)
        if slot is None:
            slot = self._new_slot(host)
        slot.next_s = max(slot.next_s, time.monotonic() + seconds)
        self._pause(host, slot, seconds)

    def done(self, host: str) -> None:
        """Count a request that has ended."""
        slot = self._slots[host]
        slot.active -= 1
        self._forget_idle(host, slot)
        self.on_free(host)

    def delay(self, host: str) -> float:
        """Return the seconds between two requests to this host."""
        slot = self._slots.get(host)
        return slot.delay_s if slot else self._limits_of(host).delay_s

    def set_delay(self, host: str, delay_s: float) -> None:
        """Change the seconds between two requests to this host, from the next request on."""
        self.waits = self.waits or delay_s > 0
        slot = self._slots.get(host)
        if slot is None:
            slot = self._new_slot(host)
        slot.delay_s = delay_s

    def _new_slot(self, host: str) -> _Slot:
        slot = self._slots[host] = _Slot(self._limits_of(host))
        return slot

    def _limits_of(self, host: str) -> SlotLimits:
        return self._own_limits.get(host, self._limits)

    def _wait_s(self, host: str) -> float:
        """Return the seconds between two requests, varied by the jitter of the host."""
        delay_s, jitter = self.delay(host), self._limits_of(host).jitter
        return max(0.0, delay_s * random.uniform(1 - jitter, 1 + jitter)) if jitter else delay_s  # noqa: S311 no secret

    def _pause(self, host: str, slot: _Slot, seconds: float) -> None:
        slot.pauses += 1  # not a time to compare: uvloop's timers ring up to a millisecond early
        asyncio.get_running_loop().call_later(seconds, self._paused, host, slot)

    def _paused(self, host: str, slot: _Slot) -> None:
        slot.pauses -= 1
        self._forget_idle(host, slot)
        if not slot.pauses:
            self._next_turn(slot)
            self.on_free(host)

    def _forget_idle(self, host: str, slot: _Slot) -> None:
        if not (slot.active or slot.extra or slot.pauses or slot.turns) and slot.delay_s == slot.base_s:
            self._slots.pop(host, None)


class SharedPoliteness(Politeness):
    """Limits that a shared store keeps for all workers; here is what this worker learns of the hosts."""

    def __init__(
        self, limit: int, delay_s: float, jitter: float, slots: Mapping[str, SlotLimits] | None = None
    ) -> None:
        # the store has one limit for all hosts: a smaller one of a slot holds in each worker
        local = {name: SlotLimits(own.limit, 0.0, 0.0) for name, own in (slots or {}).items()}
        super().__init__(sys.maxsize, 0.0, 0.0, local)
        self._shared = HostLimits(limit, delay_s, jitter > 0)
        self._own_delays: dict[str, float] = {name: own.delay_s for name, own in (slots or {}).items()}
        self._shared.delays.update(self._own_delays)
        self.waits = delay_s > 0 or any(self._own_delays.values())

    def limits(self) -> HostLimits:
        """Return the limits for the store, with what changed since the last call."""
        shared = self._shared
        self._shared = HostLimits(shared.limit, shared.delay_s, shared.jitter)
        return shared

    def delay(self, host: str) -> float:
        """Return the seconds between two requests to this host, as far as this worker knows."""
        return self._own_delays.get(host, self._shared.delay_s)

    def set_delay(self, host: str, delay_s: float) -> None:
        """Change the seconds between two requests to this host, for all workers."""
        self.waits = self.waits or delay_s > 0
        if self.delay(host) != delay_s:
            self._own_delays[host] = self._shared.delays[host] = delay_s

    def pause(self, host: str, seconds: float) -> None:
        """Leave a host alone for some time: all workers."""
        super().pause(host, seconds)
        self._shared.pauses[host] = max(seconds, self._shared.pauses.get(host, 0.0))

    def _wait_s(self, host: str) -> float:
        # The store gives the turns; a request that was sent late must not come too close to the next one.
        return self.delay(host) * (0.5 if self._shared.jitter else 1.0)


def _slots(settings: Settings, limits: SlotLimits) -> dict[str, SlotLimits]:
    """Return the limits of the slots in DOWNLOAD_SLOTS; a slot without a key has the limit of all hosts.

    Raises:
        SettingError: a value is not a number of the right kind.
    """
    slots = {}
    for name, own in settings.getdict("DOWNLOAD_SLOTS").items():
        try:
            if unknown := sorted(map(str, own.keys() - _SLOT_LIMITS)):
                known = ", ".join(sorted(_SLOT_LIMITS))
                logger.warning("DOWNLOAD_SLOTS: %r: %r is not a limit; there are %s", name, unknown[0], known)
            limit = int(own.get("concurrency") or limits.limit)
            delay_s = float(own.get("delay", limits.delay_s))
            varied = HALF * bool(own["randomize_delay"]) if "randomize_delay" in own else limits.jitter
            jitter = float(own.get("jitter", varied))
        except (AttributeError, TypeError, ValueError):
            raise SettingError(
                "DOWNLOAD_SLOTS", f"{name!r}: 'concurrency', 'delay' or 'jitter' is not a number"
            ) from None
        if limit < 1 or not 0 <= delay_s < sys.maxsize or not 0 <= jitter < sys.maxsize:
            raise SettingError(
                "DOWNLOAD_SLOTS", f"{name!r}: 'concurrency', 'delay' or 'jitter' is out of range"
            )
        slots[name] = SlotLimits(limit, delay_s, jitter)
    return slots


def _jitter(settings: Settings) -> float:
    """Return the part of a delay by which it varies, up and down."""
    if settings["DOWNLOAD_DELAY_JITTER"] is not None:
        return settings.getfloat("DOWNLOAD_DELAY_JITTER")
    return HALF if settings.getbool("RANDOMIZE_DOWNLOAD_DELAY") else 0.0
