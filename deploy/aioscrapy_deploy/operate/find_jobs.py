"""Find jobs by the id of a job, or by the id of a crawl that `schedule` gave to several jobs."""

import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aioscrapy_deploy.errors import ReportedError, TargetError
from aioscrapy_deploy.fleet import Fleet, Node
from aioscrapy_deploy.remote.models import Job


@dataclass(frozen=True)
class JobOnNode:
    """A job and the Scrapyd that has it."""

    node: Node
    job: Job

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the job: two nodes, or two projects, may have jobs with the same id."""
        return self.node.name, self.job.project, self.job.id


def new_job(crawl: str | None) -> str:
    """Return the id of a new job; in a crawl it begins with the crawl's id, which finds the job."""
    return f"{_file_name(crawl)}-{secrets.token_hex(3)}" if crawl else uuid.uuid1().hex


def all_jobs(fleet: Fleet) -> list[JobOnNode]:
    """Return all jobs of the project (of all projects, if none is named) that the daemons know."""
    answers = fleet.query(lambda client: client.listjobs(fleet.project))
    return [JobOnNode(node, job) for node, jobs in answers for job in jobs]


def match_jobs(jobs: Iterable[JobOnNode], word: str) -> list[JobOnNode]:
    """Return the job with this id, or else all jobs of the crawl with this id."""
    jobs = list(jobs)
    named = [candidate for candidate in jobs if candidate.job.id == word]
    # a node numbers the instances of one request, up to 256
    of_crawl = re.compile(rf"{re.escape(_file_name(word))}-[0-9a-f]{{6}}(-\d{{1,3}})?")
    return named or [
        candidate
        for candidate in jobs
        if of_crawl.fullmatch(candidate.job.id)
        or word in (candidate.job.crawl, candidate.job.arguments.get("crawl"))
    ]


def find_jobs(fleet: Fleet, words: Sequence[str]) -> list[JobOnNode]:
    """Return the jobs that the words name, without repetitions.

    Raises:
        TargetError: a word names no job that the daemons know.
        ReportedError: the only server of the target failed.
    """
    jobs = _candidates(fleet, words)
    chosen: dict[tuple[str, str, str], JobOnNode] = {}
    for word in words:
        matches = match_jobs(jobs, word)
        if not matches:
            raise TargetError(unknown_job(fleet, word))
        chosen |= {match.key: match for match in matches}
    return list(chosen.values())


def find_jobs_with_files(fleet: Fleet, word: str) -> list[JobOnNode]:
    """Return the jobs that a word names; one that the daemons have forgotten is found by its log.

    Raises:
        TargetError: there is none.
        ReportedError: the only server of the target failed.
    """
    matches = match_jobs(_candidates(fleet, [word]), word)
    if not matches and fleet.project:
        project = fleet.project
        for node, spiders in fleet.query(lambda client: client.listspiders(project)):
            for spider in spiders:
                job = Job(word, project, spider, "finished")
                if node.client.log(job, 0, 1) is not None:
                    matches.append(JobOnNode(node, job))
    if not matches:
        raise TargetError(unknown_job(fleet, word))
    return matches


def _candidates(fleet: Fleet, words: Sequence[str]) -> list[JobOnNode]:
    answers = fleet.query(lambda client: client.find(words, fleet.project))
    if not answers and len(fleet.nodes) == 1:
        raise ReportedError(f"target {fleet.target.name} does not say which jobs it has")
    return [JobOnNode(node, job) for node, jobs in answers for job in jobs]


def unknown_job(fleet: Fleet, word: str) -> str:
    """Return the message for a job that no server has."""
    of = f" of project {fleet.project}" if fleet.project else ""
    return f"no job{of} is named {word!r} at target {fleet.target.name}: see aioscrapy jobs"


def _file_name(crawl: str) -> str:
    """Return a crawl's id in the characters of file names: Scrapyd names a log by the job."""
    return re.sub(r"[^\w.-]", "_", crawl)
