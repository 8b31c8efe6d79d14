"""What a frontier must do, in plain Python: the reference that test_property.py holds real ones to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import md5

from aioscrapy.http import Request
from aioscrapy.queue.base import Lease, Order, State, sort_key

HOSTS = ("a", "a.b", "")  # names that could be mistaken for each other
DELAY_S = 1000.0  # of every delayed request: time passes only where a test says so


@dataclass
class Draft:
    """A request that a callback yields; the same number is the same page."""

    number: int
    priority: int
    delayed: bool
    unfiltered: bool
    mark: int = 0  # no two drafts have the same
    padding: int = 0  # bytes more in the store

    @property
    def host(self) -> str:
        return HOSTS[self.number % len(HOSTS)]

    @property
    def fingerprint(self) -> bytes | None:
        return None if self.unfiltered else md5(b"%d" % self.number, usedforsecurity=False).digest()

    def request(self) -> Request:
        url = f"http://{self.host or 'none'}/{self.number}"
        meta = {"mark": self.mark, "download_slot": self.host, "padding": "x" * self.padding}
        return Request(url, meta=meta, priority=self.priority, dont_filter=self.unfiltered)


@dataclass
class Sheet:
    """A page to be committed: `kind` is final, piece or back; without a lease it comes from outside."""

    lease: Lease | None
    kind: str
    drafts: list[Draft] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    failure: str = ""


@dataclass
class Accepted:
    """A request that passed the filter: ready, leased, delayed, done or failed."""

    mark: int
    host: str
    priority: int
    state: str = ""
    key: int = -1
    due: bool = False
    holder: str = ""
    token: int = 0


@dataclass
class Expected:
    """What an exchange must answer; a lease is the mark of its request, None that of the seeding."""

    accepted: list[bool]
    leases: list[int | None]
    state: State
    lost: bool
    waiting: int
    filtered: int
    delayed: bool


class Model:
    """A crawl whose requests are all in one list.

    Args:
        shared: leases have tokens, and workers may be given up.
        numbered_when_due: a delayed request arrives when it is due, else when it is committed.
    """

    def __init__(self, order: Order, *, shared: bool = False, numbered_when_due: bool = False) -> None:
        self.order = order
        self.state = State.OPEN
        self.seeded = False
        self.seeder = ("", 0)  # who holds the seeding lease, under which token
        self.requests: dict[int, Accepted] = {}
        self.seen: set[bytes] = set()
        self.items: list[bytes] = []
        self.members: dict[str, bool] = {}  # worker -> its lease is over
        self.counts: Counter[str] = Counter()
        self._spoke: set[str] = set()
        self.tried: set[str] = set()  # workers of which a call may not have arrived
        self.poison: list[int] = []  # marks of what another program has pushed and nobody can use
        self._seq = self._token = 0
        self._shared = shared
        self._numbered_when_due = numbered_when_due

    def those(self, state: str) -> list[Accepted]:
        return [request for request in self.requests.values() if request.state == state]

    def exchange(
        self,
        worker: str,
        sheets: Sequence[Sheet],
        want: int,
        *,
        busy: Iterable[str] = (),
        cap: int = 0,
        may_finish: bool = True,
    ) -> Expected:
        lost = self._show_life(worker)
        filtered = self.counts["filtered"]
        accepted = [self._commit(worker, sheet) for sheet in sheets]
        for request in self.those("delayed"):
            if request.due:
                self._arrive(request)
        if want and self.state is State.OPEN:
            self._take_in()
        leases = self._lease(worker, want, set(busy), cap) if self.state is State.OPEN else []
        state = self._end(may_finish)
        return Expected(
            accepted,
            leases,
            state,
            lost,
            waiting=len(self.those("ready")),
            filtered=self.counts["filtered"] - filtered,
            delayed=bool(self.those("delayed")),
        )

    def _take_in(self) -> None:
        """What nobody can use becomes a dead letter: it arrived, and it failed."""
        for mark in self.poison:
            request = self.requests[mark] = Accepted(mark, "", 0, state="failed")
            self._number(request)
            self.counts["failed"] += 1
        self.poison.clear()

    def leave(self, worker: str) -> None:
        if worker in self._spoke | self.tried:
            self.exchange(worker, [], 0, may_finish=False)
            self._give_up(worker)

    def time_passes(self) -> None:
        for request in self.those("delayed"):
            request.due = True
            if self._numbered_when_due:
                self._arrive(request)

    def restart(self) -> None:
        """Forget all leases, as a process does that was killed."""
        for request in self.those("leased"):
            request.state = "ready"
        self.seeder = ("", 0)

    def check(self) -> None:
        """A crawl is finished if and only if it is seeded and nothing is left to do."""
        left = [each for each in self.requests.values() if each.state not in {"done", "failed"}]
        if self.state is State.FINISHED:
            assert self.seeded
            assert not left
        assert len(self.those("done")) == self.counts["done"]
        assert len(self.those("failed")) == self.counts["failed"]

    def _show_life(self, worker: str) -> bool:
        lost = worker in self._spoke and worker not in self.members
        self._spoke.add(worker)
        self.members[worker] = False
        for dead in [member for member, over in self.members.items() if over]:
            self._give_up(dead)
            self.counts["workers_lost"] += 1
        return lost and self._shared

    def _give_up(self, worker: str) -> None:
        del self.members[worker]
        for request in self.those("leased"):
            if request.holder == worker:
                request.state = "ready"
        if self.seeder[0] == worker:
            self.seeder = ("", 0)

    def _commit(self, worker: str, sheet: Sheet) -> bool:
        request = None
        if sheet.lease is not None:
            if sheet.lease.request is None:
                held = self.seeder == (worker, sheet.lease.token)
            else:
                request = self.requests[sheet.lease.request.meta["mark"]]
                held = (request.state, request.holder, request.token) == ("leased", worker, sheet.lease.token)
            if not held:
                self.counts["refused"] += 1
                return False
        if sheet.kind == "back":
            self._put_back(request)
            return True
        for draft in sheet.drafts:
            self._push(draft)
        self.items += sheet.items
        if sheet.kind == "final" and request is not None:
            request.state = "failed" if sheet.failure else "done"
            self.counts[request.state] += 1
        elif sheet.kind == "final" and sheet.lease is not None:
            self.seeded, self.seeder = True, ("", 0)
        return True

    def _put_back(self, request: Accepted | None) -> None:
        if request is None:
            self.seeder = ("", 0)
        else:
            request.state = "ready"

    def _push(self, draft: Draft) -> None:
        if draft.fingerprint is not None:
            if draft.fingerprint in self.seen:
                self.counts["filtered"] += 1
                return
            self.seen.add(draft.fingerprint)
        request = self.requests[draft.mark] = Accepted(draft.mark, draft.host, draft.priority)
        if not draft.delayed:
            self._arrive(request)
            return
        request.state = "delayed"
        if not self._numbered_when_due:
            self._number(request)

    def _arrive(self, request: Accepted) -> None:
        request.state = "ready"
        if request.key < 0:
            self._number(request)

    def _number(self, request: Accepted) -> None:
        self._seq += 1
        request.key = sort_key(self.order, request.priority, self._seq)

    def _lease(self, worker: str, want: int, busy: set[str], cap: int) -> list[int | None]:
        leases: list[int | None] = []
        if want and not self.seeded and self.seeder == ("", 0):
            self.seeder = (worker, self._next_token())
            leases.append(None)
        taken: Counter[str] = Counter()
        for request in sorted(self.those("ready"), key=lambda each: each.key):
            if len(leases) >= want:
                break
            if request.host in busy or (cap and taken[request.host] >= cap):
                continue
            taken[request.host] += 1
            request.state, request.holder, request.token = "leased", worker, self._next_token()
            leases.append(request.mark)
        return leases

    def _next_token(self) -> int:
        self._token += self._shared
        return self._token

    def _end(self, may_finish: bool) -> State:
        held = self.seeder != ("", 0) or any(self.those(each) for each in ("ready", "leased", "delayed"))
        held = held or bool(self.poison)
        if self.state is State.OPEN and self.seeded and not held:
            if not may_finish:
                return State.IDLE
            self.state = State.FINISHED
        return self.state
