"""Finding jobs by what a person types: a job's id, or the id of a crawl that `schedule` gave to several."""

import re
import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.fleet import Fleet, Node
from aioscrapy_deploy.remote.models import Job


@dataclass(frozen=True)
class Found:
    """A job and the Scrapyd that has it."""

    node: Node
    job: Job


def new_crawl() -> str:
    """Return an id of the form that workers give to crawls without a name."""
    return time.strftime("%Y%m%dT%H%M%S-", time.gmtime()) + secrets.token_hex(3)


def new_job(crawl: str | None) -> str:
    """Return a job's id; one of a crawl begins with the crawl's, by which the job is found again."""
    return f"{_plain(crawl)}-{secrets.token_hex(3)}" if crawl else uuid.uuid1().hex


def known_jobs(fleet: Fleet) -> list[Found]:
    """Return all jobs of the project (of all, where none is named) that the daemons know."""
    answers = fleet.query(lambda client: client.listjobs(fleet.project))
    return [Found(node, job) for node, jobs in answers for job in jobs]


def matching(jobs: Iterable[Found], word: str) -> list[Found]:
    """Return those that a word means: the job of this id, or else all of this crawl."""
    jobs = list(jobs)
    named = [found for found in jobs if found.job.id == word]
    of_crawl = re.compile(rf"{re.escape(_plain(word))}-[0-9a-f]{{6}}")
    return named or [
        found
        for found in jobs
        if of_crawl.fullmatch(found.job.id) or found.job.arguments.get("crawl") == word
    ]


def find_jobs(fleet: Fleet, words: Sequence[str]) -> list[Found]:
    """Return the jobs that words mean, each once.

    Raises:
        TargetError: a word means no job that the daemons know.
    """
    jobs = known_jobs(fleet)
    chosen: dict[tuple[str, str], Found] = {}
    for word in words:
        found = matching(jobs, word)
        if not found:
            raise TargetError(unknown(fleet, word))
        chosen |= {(each.node.name, each.job.id): each for each in found}
    return list(chosen.values())


def find_files(fleet: Fleet, word: str) -> list[Found]:
    """Return the jobs that a word means; one that the daemons have forgotten is found by its log.

    Raises:
        TargetError: there is none.
    """
    found = matching(known_jobs(fleet), word)
    if not found and fleet.project:
        project = fleet.project
        for node, spiders in fleet.query(lambda client: client.listspiders(project)):
            for spider in spiders:
                job = Job(word, project, spider, "finished")
                if node.client.log(job, 0, 1) is not None:
                    found.append(Found(node, job))
    if not found:
        raise TargetError(unknown(fleet, word))
    return found


def unknown(fleet: Fleet, word: str) -> str:
    """Return what a person is told of a job that is nowhere."""
    of = f" of project {fleet.project}" if fleet.project else ""
    return f"no job{of} is named {word!r} at target {fleet.target.name}: see aioscrapy jobs"


def _plain(crawl: str) -> str:
    """Return what a file's name may have: Scrapyd calls the log by the job's id."""
    return re.sub(r"[^\w.-]", "_", crawl)
