"""Services about eggs: addversion.json, activate.json, listversions.json, listspiders.json and deletions."""

import time
from dataclasses import replace
from typing import Any

from scrapyd.exceptions import EggNotFoundError, ProjectNotFoundError
from scrapyd.webservice import param
from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.eggs import UNCHECKED, EggRecord
from aioscrapy_scrapyd.eggstorage import Stored
from aioscrapy_scrapyd.services.base import NodeResource, not_found, user_of
from aioscrapy_scrapyd.state.job import check_name
from aioscrapy_scrapyd.watch import committed


class AddVersion(NodeResource):
    """Take in an egg: it is the active version once the runner has listed it, else nothing has changed."""

    @param("project")
    @param("version")
    @param("egg", type=bytes)
    async def render_POST(self, txrequest: Any, project: str, version: str, egg: bytes) -> dict[str, Any]:
        check_name("project", project)
        check_name("version", version)
        eggs = self.root.eggstorage
        record = EggRecord(
            project, eggs.records.name(version), 0.0, False, user_of(txrequest), "", 0, UNCHECKED
        )
        is_new = eggs.records.get(project, version) is None
        if is_new:
            await _commit(self, record)
        try:
            stored: Stored = await deferToThread(eggs.store, egg, project, version)
            try:
                spiders = await self.names.of(project, version, stored.path, recorded=False)
                about: dict[str, Any] = {
                    "sha256": stored.sha256,
                    "size": stored.size,
                    "spiders": len(spiders),
                }
                await _commit(self, replace(record, deployed=time.time(), active=True, **about))
            except BaseException:
                await deferToThread(stored.take_back)
                raise
            await deferToThread(stored.keep)
        except BaseException:
            if is_new:
                eggs.records.forget(project, version)
            raise
        finally:
            self.root.update_projects()
        return {"project": project, "version": version, "spiders": len(spiders), "sha256": stored.sha256}


class Activate(NodeResource):
    """Make a stored version the one that jobs without a version run."""

    @param("project")
    @param("version")
    async def render_POST(self, txrequest: Any, project: str, version: str) -> dict[str, Any]:
        self.check_project(project)
        eggs = self.root.eggstorage
        previous = await deferToThread(eggs.active, project)
        spiders = await self.spiders_of(project, version)
        known = eggs.records.get(project, version)
        record = known or EggRecord(
            project, eggs.records.name(version), 0.0, True, user_of(txrequest), "", 0, len(spiders)
        )
        await _commit(self, replace(record, active=True, spiders=len(spiders)))
        return {"project": project, "version": version, "previous": previous}


class ListVersions(NodeResource):
    """List the versions of a project, and which one is active."""

    @param("project")
    async def render_GET(self, txrequest: Any, project: str) -> dict[str, Any]:
        eggs = self.root.eggstorage
        versions = await deferToThread(eggs.list, project)
        details = [_details(version, eggs.records.get(project, version)) for version in versions]
        return {"versions": versions, "active": eggs.records.active(project, versions), "details": details}


class ListSpiders(NodeResource):
    """List the spiders of a version, or of the active one."""

    @param("project")
    @param("_version", dest="version", required=False, default=None)
    async def render_GET(self, txrequest: Any, project: str, version: str | None) -> dict[str, Any]:
        self.check_project(project)
        return {"spiders": await self.spiders_of(project, version)}


class DeleteVersion(NodeResource):
    """Delete a version."""

    @param("project")
    @param("version")
    async def render_POST(self, txrequest: Any, project: str, version: str) -> dict[str, Any]:
        await _delete(self, project, version)
        return {}


class DeleteProject(NodeResource):
    """Delete a project with all its versions."""

    @param("project")
    async def render_POST(self, txrequest: Any, project: str) -> dict[str, Any]:
        await _delete(self, project, None)
        return {}


class ListProjects(NodeResource):
    """List the projects."""

    def render_GET(self, txrequest: Any) -> dict[str, Any]:
        return {"projects": self.root.scheduler.list_projects()}


async def _commit(service: NodeResource, record: EggRecord) -> None:
    records = service.root.eggstorage.records
    await committed(records.save(record), service.node.reactor)
    records.saved(record)


async def _delete(service: NodeResource, project: str, version: str | None) -> None:
    try:
        await deferToThread(service.root.eggstorage.delete, project, version)
    except ProjectNotFoundError:
        raise not_found("project", project) from None
    except EggNotFoundError:
        raise not_found("version", version or "") from None
    finally:
        service.root.update_projects()


def _details(version: str, record: EggRecord | None) -> dict[str, Any]:
    if record is None:
        return {"version": version}
    return {
        "version": version,
        "deployed": record.deployed,
        "by": record.user,
        "sha256": record.sha256,
        "size": record.size,
        "spiders": record.spiders,
    }
