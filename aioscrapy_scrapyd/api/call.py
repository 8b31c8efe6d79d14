"""One request of the API, and the fields of a job in its body."""

from dataclasses import dataclass

from aioscrapy_scrapyd.actions import Actions
from aioscrapy_scrapyd.users import User

# Field of a job -> (JSON type, meaning).
JOB_FIELDS = {
    "project": ("string", "name of the project"),
    "spider": ("string", "name of the spider"),
    "version": ("string", "version of the egg; default: the active one"),
    "job": ("string", "id of the job; default: a new one. The same id is the same job"),
    "args": ("object", "arguments of the spider: name -> text"),
    "settings": ("object", "settings: name -> text"),
    "priority": ("number", "the highest starts first; default: 0"),
    "instances": ("integer", "jobs on one crawl; default: 1"),
    "timeout": ("number", "seconds after which the job is stopped; default: 0, never"),
    "retries": ("integer", "how often a failed job is tried again; default: 0"),
}


class AccessError(Exception):
    """The user may not use this project."""


@dataclass(frozen=True)
class Call:
    """One request of the API: the names in its path, its query, its body, who asks."""

    actions: Actions
    path: dict[str, str]
    query: dict[str, str]
    body: bytes
    asker: User | None

    @property
    def user(self) -> str:
        """The name of the user who asks; "" without users."""
        return self.asker.name if self.asker is not None else ""

    def check_access(self, project: str) -> None:
        """Check that the project is one of the user's.

        Raises:
            AccessError: it is not.
        """
        if self.asker is not None and not self.asker.may_use(project):
            raise AccessError(f"{self.user} has no access to project {project[:80]!r}")
