"""Lines about jobs in the log of the daemon."""

from typing import Any

from twisted.logger import Logger

from aioscrapy_scrapyd.state.job import Job

log = Logger()


def say(what: str, job: Job, **details: Any) -> None:
    """Log a line in the form of Scrapyd's launcher."""
    log.info(
        "{what}: project={project!r} spider={spider!r} job={job!r} pid={pid!r} {details}",
        what=what,
        project=job.project,
        spider=job.spider,
        job=job.id,
        pid=job.pid,
        details=" ".join(f"{name}={value!r}" for name, value in details.items()),
        log_system="aioscrapy_scrapyd.launcher",
    )


def say_waiting(number: int) -> None:
    """Log that jobs wait while no node runs."""
    if number:
        log.info(
            "{n} jobs wait in node.db for the next start of the node; before you go back to a stock "
            "Scrapyd: aioscrapy node handback",
            n=number,
        )


def one_line(error: BaseException) -> str:
    """Return an error as one line; an error of the system without its class."""
    text = " ".join(str(error).split())
    return text if isinstance(error, OSError) and text else f"{type(error).__name__}: {text}"
