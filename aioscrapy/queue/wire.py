"""What exchange.lua reads: pages and manners as lists for MessagePack."""

from typing import Any

from aioscrapy.queue.base import PRIORITY_LIMIT, Entry, Manners, Order, Page

_FINAL, _PIECE, _GIVE_BACK = 0, 1, 2


def page(page: Page, order: Order) -> list[Any]:
    """Write a page; its items are only counted, they travel as they are."""
    lease = page.lease
    kind = _GIVE_BACK if page.give_back else _FINAL if page.final else _PIECE
    entries = [
        [entry.host, _base(entry, order), entry.fingerprint or b"", entry.payload, _ms(entry.delay_s)]
        for entry in page.entries
    ]
    id, token = (lease.id, lease.token) if lease else (-1, 0)
    return [id, token, kind, entries, len(page.packed_items), page.failure]


def manners(manners: Manners, random_seed: int) -> list[list[Any]]:
    """Write the limits, then what was learnt of delays, then of pauses."""
    return [
        [manners.limit, _ms(manners.delay_s), int(manners.jitter), random_seed],
        [[host, _ms(delay_s)] for host, delay_s in manners.delays.items()],
        [[host, _ms(pause_s)] for host, pause_s in manners.pauses.items()],
    ]


def _base(entry: Entry, order: Order) -> int:
    if order is not Order.PRIORITY:
        return 0
    clamped = max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT - 1, entry.request.priority))
    return (PRIORITY_LIMIT - 1 - clamped) * 2**32


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
