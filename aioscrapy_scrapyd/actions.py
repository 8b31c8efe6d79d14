"""What a person or a program can do with a node; Scrapyd's services and /api/v1 are two forms of it."""

import math
import signal
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from scrapyd.exceptions import EggNotFoundError, ProjectNotFoundError
from twisted.internet.threads import deferToThread
from twisted.web import error, http

from aioscrapy_scrapyd.crawls.shared import SharedCrawls
from aioscrapy_scrapyd.eggs import UNCHECKED, EggRecord
from aioscrapy_scrapyd.eggstorage import EggStorage, Stored
from aioscrapy_scrapyd.facts import NodeFacts
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.spidernames import SpiderNames
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State, check_arguments, check_job_id, check_name
from aioscrapy_scrapyd.watch import committed

# Jobs that one call may start, and how often a failed one is tried again at most.
INSTANCES_LIMIT = 256
RETRIES_LIMIT = 1000


class NotFoundError(error.Error):
    """There is no such project, version, spider or job.

    Scrapyd's services answer such a call with the status 200 and this message.
    """

    def __init__(self, kind: str, name: str) -> None:
        self.text = f"{kind} '{name[:200]}' not found"
        super().__init__(code=http.OK, message=self.text.encode("utf-8", "backslashreplace"))

    def __str__(self) -> str:
        return self.text


class Actions:
    """Everything that changes a node, and what it takes to decide about it.

    Args:
        node: the node.
        eggs: its eggs.
        names: of spiders.
        projects: returns the names of all projects.
        update_projects: looks again which projects there are.
        crawls: the shared crawls in Redis.
        facts: about the node and its machine.
        node_name: the node's name, as Scrapyd's answers have it.
    """

    def __init__(
        self,
        node: Node,
        eggs: EggStorage,
        names: SpiderNames,
        projects: Callable[[], Iterable[str]],
        update_projects: Callable[[], None],
        crawls: SharedCrawls,
        facts: NodeFacts,
        node_name: str = "",
    ) -> None:
        self.node = node
        self.node_name = node_name
        self.eggs = eggs
        self._names = names
        self.projects = projects
        # Called with project and version ("" for all) after a deploy, an activation or a deletion.
        self.listeners: list[Callable[[str, str], None]] = []
        # Called with True or False when a deploy has succeeded or failed.
        self.deploy_listeners: list[Callable[[bool], None]] = []
        self._update_projects = update_projects
        self.crawls = crawls
        self.facts = facts

    def check_project(self, project: str) -> None:
        """Check that the node has the project.

        Raises:
            NotFoundError: it has not.
        """
        if project not in self.projects():
            raise NotFoundError("project", project)

    async def spiders(self, project: str, version: str | None) -> list[str]:
        """Return the names of the spiders of a version, or of the active one.

        Raises:
            NotFoundError: there is no such version.
            ListingError: the version can't be listed.
        """
        if version:
            check_name("version", version)
        chosen, path = await deferToThread(self._egg, project, version)
        if version and chosen is None:
            raise NotFoundError("version", version)
        return await self._names.of(project, chosen, path)

    async def schedule(self, job: Job, instances: int = 1) -> tuple[list[Job], bool]:
        """Take in a job, or several that work on one crawl; returns them, and False if the job was known.

        Raises:
            NotFoundError: there is no such project, version or spider.
            JobError: an id, an argument or a number can't be used.
            StoreError: nothing could be written; nothing was accepted.
        """
        self.check_project(job.project)
        _check(job)
        if not 1 <= instances <= INSTANCES_LIMIT:
            raise JobError(f"instances={instances} is not a number from 1 to {INSTANCES_LIMIT}")
        if job.spider not in await self.spiders(job.project, job.version):
            raise NotFoundError("spider", job.spider)
        if instances > 1:
            job.args.setdefault("crawl", uuid.uuid4().hex[:12])
        job.crawl = job.args.get("crawl", "")
        ids = (check_job_id(f"{job.id}-{number}") for number in range(2, instances + 1))
        siblings = [replace(job, id=sibling, args=dict(job.args), counts={}) for sibling in ids]
        return await self.node.schedule(job, *siblings)

    def cancel(self, project: str, job: str, user: str, number: int = signal.SIGINT) -> dict[str, State]:
        """Stop a job, or all jobs of a crawl; returns job id -> the state before, {} for none.

        Raises:
            NotFoundError: there is no such project.
        """
        self.check_project(project)
        known = self.node.jobs.get(project, job)
        jobs = [one for one in self.node.jobs if one is known or (one.project, one.crawl) == (project, job)]
        return {one.id: self.node.cancel(one, user, number=number) for one in jobs}

    async def retry(self, job: Job, user: str) -> Job:
        """Start a new job with the version, the arguments and the settings of an ended one.

        Raises:
            JobError: the job has not ended.
            NotFoundError: its version or its spider does not exist any more.
            StoreError: nothing could be written; nothing was accepted.
        """
        if job.state not in ENDED:
            raise JobError(f"job {job.id!r} has not ended")
        new = Job(
            job.project,
            job.spider,
            uuid.uuid4().hex,
            version=job.version,
            crawl=job.crawl,
            priority=job.priority,
            args=dict(job.args),
            settings=dict(job.settings),
            user=user,
            timeout_s=job.timeout_s,
            retries=job.retries,
        )
        accepted, _ = await self.schedule(new)
        return accepted[0]

    async def job(self, project: str | None, job: str) -> Job | None:
        """Return a job, live or ended."""
        return self.node.find(project, job) or await deferToThread(self.node.store.find, project, job)

    async def deploy(
        self, project: str, version: str, egg: bytes, user: str, *, activate: bool = True
    ) -> EggRecord:
        """Take in an egg: it is stored once the runner has listed it, else nothing has changed.

        Args:
            project: its name.
            version: of the egg.
            egg: its bytes.
            user: who deploys; "" without users.
            activate: jobs without a version run it from now on. If not, the active version stays.

        Raises:
            JobError, DirectoryTraversalError: a name can't be used.
            BadEggError: the bytes are not an egg.
            ListingError: the project can't be listed here.
            OSError: the egg can't be written.
        """
        ok = False
        try:
            if not activate:
                await self._pin(project)
            record = await self._take_in(project, version, egg, user, activate=activate)
            ok = True
        finally:
            self._update_projects()
            for listener in self.deploy_listeners:
                listener(ok)
        self._changed(project, record.version)
        return record

    async def _pin(self, project: str) -> None:
        """Keep the active version of a project active: that of a stock Scrapyd is only the latest one."""
        check_name("project", project)
        active = await deferToThread(self.eggs.active, project)
        known = self.eggs.records.get(project, active) if active is not None else None
        if active is not None and (known is None or not known.active):
            await self.activate(project, active, known.user if known is not None else "")

    async def _take_in(
        self, project: str, version: str, egg: bytes, user: str, *, activate: bool
    ) -> EggRecord:
        self.eggs.path_of(project, version)
        check_name("project", project)
        check_name("version", version)
        earlier = self.eggs.records.get(project, version)
        record = EggRecord(project, self.eggs.records.name(version), 0.0, False, user, "", 0, UNCHECKED)
        is_new = earlier is None
        if is_new:
            await self._commit(record)
        try:
            stored: Stored = await deferToThread(self.eggs.store, egg, project, version)
            try:
                spiders = await self._names.of(project, version, stored.path, recorded=False)
                record = replace(record, sha256=stored.sha256, size=stored.size, spiders=len(spiders))
                is_active = activate or (earlier is not None and earlier.active)
                record = replace(record, deployed=time.time(), active=is_active)
                await self._commit(record)
            except BaseException:
                await deferToThread(stored.take_back)
                raise
            await deferToThread(stored.keep)
        except BaseException:
            if is_new:
                self.eggs.records.forget(project, version)
            raise
        return record

    async def activate(self, project: str, version: str, user: str) -> str | None:
        """Make a stored version the one that jobs without a version run; returns the one before.

        Raises:
            NotFoundError: there is no such project or version.
            ListingError: the version can't be listed.
        """
        self.check_project(project)
        previous = await deferToThread(self.eggs.active, project)
        spiders = await self.spiders(project, version)
        known = self.eggs.records.get(project, version)
        new = EggRecord(project, self.eggs.records.name(version), 0.0, True, user, "", 0, len(spiders))
        await self._commit(replace(known or new, active=True, spiders=len(spiders)))
        self._changed(project, new.version)
        return previous

    async def versions(self, project: str) -> tuple[list[str], str | None]:
        """Return the stored versions of a project, and which one is active."""
        versions = await deferToThread(self.eggs.list, project)
        return versions, self.eggs.records.active(project, versions)

    async def delete(self, project: str, version: str | None) -> None:
        """Delete a version, or the project with all versions.

        Raises:
            NotFoundError: there is no such project or version.
        """
        try:
            await deferToThread(self.eggs.delete, project, version)
        except ProjectNotFoundError:
            raise NotFoundError("project", project) from None
        except EggNotFoundError:
            raise NotFoundError("version", version or "") from None
        finally:
            self._update_projects()
        self._changed(project, version or "")

    def _changed(self, project: str, version: str) -> None:
        for listener in self.listeners:
            listener(project, version)

    def _egg(self, project: str, version: str | None) -> tuple[str | None, Path | None]:
        chosen, file = self.eggs.get(project, version)
        if file is None:
            return None, None
        with file:
            name = getattr(file, "name", None)  # a storage of the user's may keep its eggs elsewhere
            return chosen, Path(name) if name else None

    async def _commit(self, record: EggRecord) -> None:
        await committed(self.eggs.records.save(record), self.node.reactor)
        self.eggs.records.saved(record)


def _check(job: Job) -> None:
    check_name("project", job.project)
    check_name("spider", job.spider)
    check_job_id(job.id)
    if job.version is not None:
        check_name("version", job.version)
    check_arguments(job.args, job.settings)
    for name, number in (("priority", job.priority), ("timeout", job.timeout_s)):
        if not math.isfinite(number):
            raise JobError(f"{name}={number} is not a number")
    if job.timeout_s < 0 or not 0 <= job.retries <= RETRIES_LIMIT:
        raise JobError(f"timeout is at least 0, and retries is from 0 to {RETRIES_LIMIT}")
