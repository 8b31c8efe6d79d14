"""Services about eggs: addversion.json, activate.json, listversions.json, listspiders.json and deletions."""

from typing import Any

from scrapyd.webservice import param
from twisted.web import error, http

from aioscrapy_scrapyd.eggstorage import BadEggError
from aioscrapy_scrapyd.services.base import NodeResource, user_of


class AddVersion(NodeResource):
    """Take in an egg."""

    @param("project")
    @param("version")
    @param("egg", type=bytes)
    async def render_POST(self, txrequest: Any, project: str, version: str, egg: bytes) -> dict[str, Any]:
        try:
            record = await self.actions.deploy(project, version, egg, user_of(txrequest))
        except BadEggError as exc:
            raise error.Error(code=http.OK, message=str(exc).encode()) from exc
        return {"project": project, "version": version, "spiders": record.spiders}


class Activate(NodeResource):
    """Make a stored version the one that jobs without a version run."""

    @param("project")
    @param("version")
    async def render_POST(self, txrequest: Any, project: str, version: str) -> dict[str, Any]:
        previous = await self.actions.activate(project, version, user_of(txrequest))
        return {"project": project, "version": version, "previous": previous}


class ListVersions(NodeResource):
    """List the versions of a project, and which one is active."""

    @param("project")
    async def render_GET(self, txrequest: Any, project: str) -> dict[str, Any]:
        versions, active = await self.actions.versions(project)
        details = [self.actions.eggs.records.about(project, version) for version in versions]
        return {"versions": versions, "active": active, "details": details}


class ListSpiders(NodeResource):
    """List the spiders of a version, or of the active one."""

    @param("project")
    @param("_version", dest="version", required=False, default=None)
    async def render_GET(self, txrequest: Any, project: str, version: str | None) -> dict[str, Any]:
        self.actions.check_project(project)
        return {"spiders": await self.actions.spiders(project, version)}


class DeleteVersion(NodeResource):
    """Delete a version."""

    @param("project")
    @param("version")
    async def render_POST(self, txrequest: Any, project: str, version: str) -> dict[str, Any]:
        await self.actions.delete(project, version)
        return {}


class DeleteProject(NodeResource):
    """Delete a project with all its versions."""

    @param("project")
    async def render_POST(self, txrequest: Any, project: str) -> dict[str, Any]:
        await self.actions.delete(project, None)
        return {}
