"""The message to the exchange script and its reply; their fields write the head of the script."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgpack

from aioscrapy.crawls.keys import KEYS, lua_names
from aioscrapy.feeds.store import FeedProgress
from aioscrapy.queue.base import PRIORITY_LIMIT, SEQUENCES, Entry, HostLimits, Order, Page, State, sort_base
from aioscrapy.shared_cookies import Change

FAILURE_LENGTH = 10_000
"""Characters of a failure that are kept; a page of a site may be in the text of an exception."""

FINAL, PIECE, GIVE_BACK = 0, 1, 2
"""What a page does to its lease: end it, keep it, return it."""


class EntryMessage(NamedTuple):
    """A new request."""

    host: str
    base: int  # the sort key without the number of arrival
    fingerprint: bytes  # b"": the filter is not asked
    payload: bytes
    delay_ms: int


class PageMessage(NamedTuple):
    """A page; its items travel as arguments of their own."""

    lease: int  # the id; -1: pushed from outside the crawl
    token: int
    kind: int  # FINAL, PIECE or GIVE_BACK
    entries: list[EntryMessage]
    items: int  # how many
    records: list[int]  # of each packed item of a feed: the position of the feed
    failure: str  # "" if the page is done
    handled: int  # 1: it led to something
    fruitless: int  # 1: it led to nothing, and nobody wanted that


class ExchangeMessage(NamedTuple):
    """The arguments of one exchange."""

    worker: str
    lease_ms: int
    keep_ms: int  # how long a finished crawl stays
    order: str
    serial: int = 0  # counts the exchanges of this worker; a repeated call has the number of the first
    leave: int = 0  # 1: the worker ends; its leases are ready for others
    want: int = 0  # requests to lease
    cap: int = 0  # requests of one host to lease; 0: no limit
    may_finish: int = 0
    busy: Sequence[str] = ()  # hosts that must not be leased
    pages: Sequence[PageMessage] = ()
    per_host: int = 0  # requests at once to one host, over all workers; 0: each worker keeps its own limits
    pace_ms: int = 0  # between two requests to one host
    jitter: int = 0  # 1: vary it
    delays: Sequence[tuple[str, int]] = ()  # (host, ms)
    pauses: Sequence[tuple[str, int]] = ()  # (host, ms)
    feeds: Sequence[FeedProgress] = ()  # of this worker; length -1: another process writes the file
    cookies: Sequence[Change] = ()  # that this worker has set

    def pack(self) -> bytes:
        """Return the message as MessagePack."""
        try:
            packed: bytes = msgpack.packb(self, use_bin_type=False)
        except UnicodeEncodeError:  # a busy host that another program has pushed; this is slower
            packed = msgpack.packb(self, use_bin_type=False, unicode_errors="surrogateescape")
        return packed


class ExchangeReply(NamedTuple):
    """The values that the script returns."""

    accepted: Sequence[int]  # one a page
    leases: Sequence[tuple[int, int, bytes, int, bytes, int]]  # LeaseMessage
    state: bytes
    waiting: int = 0
    filtered: int = 0
    due_ms: int = -1  # until a delayed request is due; -1: none is
    cursor: int = 0
    lost: int = 0  # 1: this worker had lost its leases; 2: because the store had lost its latest writes
    handled: int = 0  # pages of the whole crawl; 0 until it has finished, as the next four
    fruitless: int = 0
    arrived: int = 0  # requests
    missing: int = 0  # that are neither done nor failed; of a crawl that is gone, that were waiting
    filter_lost: int = 0  # 1: marks of the duplicate filter were lost
    letters_lost: int = 0  # failed requests that are not among the dead letters
    items_lost: int = 0  # records of feeds that were lost before a file had them
    seed_failure: bytes = b""  # why start_requests did not run to their end
    cookies_version: int = 0  # counts the exchanges that changed cookies
    feeds: Sequence[int] = ()  # of each feed of the message: how many records it has ever had
    damaged: int = 0  # entries of the crawl that could not be read

    @classmethod
    def unpack(cls, data: bytes) -> "ExchangeReply":
        """Read the reply."""
        return cls(*msgpack.unpackb(data, raw=True))

    def proof(self) -> dict[str, Any]:
        """Return the fields of a Reply that say how the crawl has ended."""
        return {
            "state": State(self.state.decode()),
            "handled": self.handled,
            "fruitless": self.fruitless,
            "seed_failure": self.seed_failure.decode(),
            "problem": self.problem,
        }

    @property
    def problem(self) -> str:
        """What Redis has lost of a crawl that has ended, as one line; "" for nothing."""
        if self.state == b"gone" and self.missing:
            return f"Redis has lost the key `meta` of the crawl; {self.missing} requests were waiting"
        problems = []
        if self.damaged:
            problems.append(f"{self.damaged} entries were damaged (dead letters)")
        if self.missing > 0:
            problems.append(f"{self.missing} of {self.arrived} requests are missing")
        elif self.missing < 0:
            problems.append(f"{-self.missing} more requests ended than arrived")
        if self.filter_lost:
            problems.append("marks of the duplicate filter are missing: pages may have been crawled twice")
        if self.letters_lost > 0:
            problems.append(f"{self.letters_lost} failed requests are not in the list of dead letters")
        if self.items_lost:
            problems.append(f"{self.items_lost} items were lost before they were in their feeds")
        return f"Redis has lost keys of the crawl: {'; '.join(problems)}" if problems else ""


class LeaseMessage(NamedTuple):
    """A lease in a reply."""

    id: int
    token: int
    host: bytes
    key: int
    payload: bytes  # b"": the lease to seed
    start_ms: int


def page_message(page: Page, order: Order, feeds: int) -> PageMessage:
    """Return a page as the script reads it; of its records those of the first `feeds` feeds."""
    kind = GIVE_BACK if page.give_back else FINAL if page.final else PIECE
    entries = [_entry_message(entry, order) for entry in page.entries]
    id, token = (page.lease.id, page.lease.token) if page.lease else (-1, 0)
    failure = page.failure and page.failure[:FAILURE_LENGTH].encode("utf-8", "backslashreplace").decode()
    return PageMessage(
        id,
        token,
        kind,
        entries,
        len(page.packed_items),
        [position for position, _ in page.records if position < feeds],
        failure,
        int(page.handled),
        int(page.fruitless),
    )


def limit_fields(limits: HostLimits) -> dict[str, Any]:
    """Return the fields of a message that hold the limits of hosts."""
    return {
        "per_host": limits.limit,
        "pace_ms": _ms(limits.delay_s),
        "jitter": int(limits.jitter),
        "delays": [(host, _ms(delay_s)) for host, delay_s in limits.delays.items()],
        "pauses": [(host, _ms(pause_s)) for host, pause_s in limits.pauses.items()],
    }


def unpack_cookies(data: bytes | None) -> dict[str, bytes]:
    """Return cookie -> value of a jar as 5_cookies.lua writes it; {} if it is absent or damaged."""
    try:
        values = msgpack.unpackb(data, raw=True, strict_map_key=False) if data else {}
    except (ValueError, TypeError, msgpack.UnpackException):
        values = {}
    pairs = values.items() if isinstance(values, dict) else ()
    return {
        name.decode(errors="replace"): value
        for name, value in pairs
        if isinstance(name, bytes) and isinstance(value, bytes)
    }


def with_fields(parts: str) -> str:
    """Return the script with its head; PAGE.failure and the like become the positions of these fields."""
    arguments = ExchangeMessage._fields
    head = (
        lua_names() + f"local FILTER = {len(KEYS) + 1}\n"
        f"local PRIORITY_LIMIT, SEQUENCES = {PRIORITY_LIMIT}, {SEQUENCES}\n"
        f"local FINAL, PIECE, GIVE_BACK = {FINAL}, {PIECE}, {GIVE_BACK}\n"
        f"local {', '.join(arguments)} = unpack(cmsgpack.unpack(ARGV[1]), 1, {len(arguments)})\n"
        f"local REPLY = {_positions(ExchangeReply._fields)}\n"
    )
    fields = {"PAGE": PageMessage._fields, "ENTRY": EntryMessage._fields, "LEASE": LeaseMessage._fields}
    return head + re.sub(
        r"\b(PAGE|ENTRY|LEASE)\.(\w+)", lambda match: str(fields[match[1]].index(match[2]) + 1), parts
    )


def _entry_message(entry: Entry, order: Order) -> EntryMessage:
    base = sort_base(order, entry.request.priority)
    return EntryMessage(entry.host, base, entry.fingerprint or b"", entry.payload, _ms(entry.delay_s))


def _positions(fields: Sequence[str]) -> str:
    """Return a table of Lua: field -> position."""
    return "{" + ", ".join(f"{name} = {position}" for position, name in enumerate(fields, 1)) + "}"


def _ms(seconds: float) -> int:
    """Return milliseconds; 0 for what is not a positive number, at most 68 years."""
    return int(min(seconds, 2.0**31) * 1000) if seconds > 0 else 0
