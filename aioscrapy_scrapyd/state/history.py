"""Which jobs a list shows: one filter for those in memory and for those in the file."""

from dataclasses import dataclass
from typing import Any

from aioscrapy_scrapyd.state.job import ENDED, Job, State

# Rows of `sample` that one job keeps at most, and seconds between two of them at first.
SAMPLES_LIMIT = 500
SAMPLE_S = 10.0


@dataclass(frozen=True)
class Filter:
    """Jobs that a list shows; what is not given lets every job pass.

    Attributes:
        states: names of states.
        text: a part of the id, project, spider, crawl, version, reason or an argument that is not a secret.
        since: the job ended at this time or later, in seconds since 1970; 0 for any time.
        until: it ended before this time; 0 for any time.
        projects: the only projects whose jobs pass; empty for all.
    """

    project: str | None = None
    spider: str | None = None
    crawl: str | None = None
    states: frozenset[str] = frozenset()
    text: str = ""
    since: float = 0.0
    until: float = 0.0
    projects: frozenset[str] = frozenset()

    def accepts(self, job: Job) -> bool:
        """Return True if the list shows a job that has not ended."""
        equal = (self.project, job.project), (self.spider, job.spider), (self.crawl, job.crawl)
        return (
            all(wanted in (None, value) for wanted, value in equal)
            and (not self.projects or job.project in self.projects)
            and (not self.states or job.state in self.states)
            and self.text.casefold() in job.words
        )

    def clause(self, before: tuple[float, int] | None = None) -> tuple[str, list[Any]]:
        """Return the condition of SQL for ended jobs, behind the (ended, seq) of `before`."""
        clauses, values = ["ended > 0"], list[Any]()
        for column, value in (("project", self.project), ("spider", self.spider), ("crawl", self.crawl)):
            if value is not None:
                clauses.append(f"{column} = ?")
                values.append(value)
        if self.states:
            states = sorted(self.states & ENDED)
            clauses.append(f"state IN ({', '.join('?' * len(states))})")
            values.extend(states)
        if self.projects:
            clauses.append(f"project IN ({', '.join('?' * len(self.projects))})")
            values.extend(sorted(self.projects))
        if self.text:
            clauses.append("instr(words, ?)")
            values.append(self.text.casefold())
        for comparison, time in ((">=", self.since), ("<", self.until)):
            if time:
                clauses.append(f"ended {comparison} ?")
                values.append(time)
        if before is not None:
            clauses.append("(ended, seq) < (?, ?)")
            values.extend(before)
        return " AND ".join(clauses), values

    @property
    def is_about_ended(self) -> bool:
        """Return True if an ended job can pass."""
        return not self.states or bool(self.states & ENDED)


EVERY_JOB = Filter()


@dataclass(frozen=True)
class Sample:
    """The counters of a job at one time, in seconds since 1970; `waiting` counts requests, `rss` bytes."""

    time: float
    pages: int
    items: int
    errors: int
    waiting: int
    rss: int


@dataclass(frozen=True)
class Total:
    """Sums over all jobs of a spider that ever ended in one state; `seconds` of their run times."""

    project: str
    spider: str
    state: State
    jobs: int
    pages: int
    items: int
    errors: int
    seconds: float
