"""One job of a node: what was asked for, where it stands, how it ended."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# Names of files and parts of addresses are made of these; Scrapyd takes anything.
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,128}")
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
# The kernel takes no more than 128 KiB for one argument of a process (execve, MAX_ARG_STRLEN).
ARGUMENT_LIMIT = 100_000
ARGUMENTS_LIMIT = 1_000_000
# Characters of one argument, and of all of them, that a search looks at.
WORD_LIMIT = 500
WORDS_LIMIT = 5_000

# Names of arguments and settings whose value nobody is shown.
_SECRET = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|COOKIE|CREDENTIAL|(^|[_.-])(API_?)?(KEY|AUTH|PWD)S?($|[_.-])",
    re.IGNORECASE,
)
MASK = "•••"


class State(StrEnum):
    """Where a job stands. A job only moves down this list, but for one that is tried again."""

    PENDING = "pending"
    STARTING = "starting"  # it has a slot; its process may exist already
    RUNNING = "running"
    STOPPING = "stopping"  # a stop was asked for
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})
ENDED = frozenset({State.FINISHED, State.FAILED, State.CANCELLED})


class JobError(ValueError):
    """A job can't be accepted; the text says why, in one line."""


@dataclass(slots=True, eq=False)
class Job:
    """One job. Times are seconds since 1970, 0 where the moment has not come.

    Attributes:
        version: of the egg; None until the start decides for the active one.
        crawl: id of the crawl that the job works on, where `schedule` named one or it is in Redis; "" else.
        args: arguments of the spider.
        reason: why it ended, in one line.
        exit_status: of its process; None while it runs, and where nobody knows.
        signal: the number of the signal that killed it; 0 for none.
        kill_at: when the next stage of a stop is due.
        due: the same on the monotonic clock, which nobody sets; not stored.
        stage: how many stages of a stop are behind it.
        ticks: when its process started, in clock ticks since the boot (field 22 of /proc/PID/stat).
        attempt: 1, then one more each time it is tried again.
        counts: pages, items, errors and so on, as the job reports them.
    """

    project: str
    spider: str
    id: str
    version: str | None = None
    crawl: str = ""
    priority: float = 0.0
    seq: int = 0
    args: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    user: str = ""
    timeout_s: float = 0.0
    retries: int = 0
    state: State = State.PENDING
    reason: str = ""
    exit_status: int | None = None
    signal: int = 0
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    stop_asked: float = 0.0
    kill_at: float = 0.0
    stage: int = 0
    slot: int = -1
    pid: int = 0
    ticks: int = 0
    boot_id: str = ""
    attempt: int = 1
    counts: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    items: str = ""
    due: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """What names the job: project and id."""
        return self.project, self.id

    @property
    def words(self) -> str:
        """What a search looks at: names, reason and arguments without secrets, folded to lower case."""
        arguments = (f"{name}={value[:WORD_LIMIT]}" for name, value in masked(self.args).items())
        names = (self.id, self.project, self.spider, self.crawl, self.version or "", self.reason)
        return "\n".join((*names, *arguments))[:WORDS_LIMIT].casefold()

    def take_counts(self, counts: dict[str, Any]) -> None:
        """Take over what the job reports, with the crawl in Redis that it has joined."""
        self.counts = counts
        self.crawl = counts.get("shared", {}).get("crawl") or self.crawl

    @property
    def mark(self) -> str:
        """What the environment of its process holds as AIOSCRAPY_JOB, to find it again."""
        return f"{self.project}/{self.id}/{self.attempt}"


def check_name(kind: str, name: str) -> str:
    """Return the name of a project or a spider.

    Raises:
        JobError: it can't be part of a path.
    """
    if name in {".", ".."} or not _NAME.fullmatch(name) or not _is_unicode(name):
        raise JobError(
            f"{kind} {name[:80]!r} is not a name: 1 to 128 characters without / and \\, not . or .."
        )
    return name


def check_job_id(job: str) -> str:
    """Return the id of a new job.

    Raises:
        JobError: it can't be the name of a file.
    """
    if not _JOB_ID.fullmatch(job):
        raise JobError(
            f"jobid {job[:80]!r}: 1 to 128 letters, digits and . _ : -, the first one a letter or a digit"
        )
    return job


def check_arguments(args: dict[str, str], settings: dict[str, str]) -> None:
    """Check what becomes the command line of a job.

    Raises:
        JobError: a value can't be an argument of a process.
    """
    total = 0
    for name, value in (*args.items(), *settings.items()):
        if not name or name.startswith("-") or "=" in name:
            raise JobError(f"argument {name[:80]!r}: a name is not empty, has no = and does not begin with -")
        if "\0" in name or "\0" in value:
            raise JobError(f"argument {name[:80]!r} holds a NUL byte")
        if not _is_unicode(name + value):
            raise JobError(f"argument {name[:80]!r} holds half a surrogate pair: this is not a text")
        size = len(f"{name}={value}".encode())
        if size > ARGUMENT_LIMIT:
            raise JobError(
                f"argument {name[:80]!r} has {size} bytes; {ARGUMENT_LIMIT} is the limit of one argument"
            )
        total += size
    if total > ARGUMENTS_LIMIT:
        raise JobError(f"the arguments have {total} bytes; {ARGUMENTS_LIMIT} is the limit of one job")
    reserved = sorted({"name", "settings", "_job", "_project", "_spider"} & set(args))
    if reserved:
        raise JobError(f"argument {reserved[0]!r} is reserved; give it another name")


def is_secret(name: str) -> bool:
    """Return True if the name of an argument or a setting sounds like that of a secret."""
    return _SECRET.search(name) is not None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def masked(values: dict[str, str]) -> dict[str, str]:
    """Return arguments or settings without the values of those whose name sounds like a secret."""
    return {name: MASK if is_secret(name) else value for name, value in values.items()}
