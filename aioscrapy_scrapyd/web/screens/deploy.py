"""Projects and their versions: upload an egg, look at it, activate it, delete it."""

import re
import zipfile
from dataclasses import asdict
from typing import Any

from scrapyd.exceptions import DirectoryTraversalError
from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.egginfo import EggInfo, difference, read_egg
from aioscrapy_scrapyd.eggstorage import BadEggError
from aioscrapy_scrapyd.spidernames import ListingError
from aioscrapy_scrapyd.state.job import JobError
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit, address

VERSIONS = "/project/{project}/versions"
VERSION = "/project/{project}/{version}/version"
_VERSION = re.compile(rb"^Version: *(\S+)", re.MULTILINE)


async def deploy(visit: Visit) -> Data:
    """Return the projects with their active versions, and the form of an upload."""
    return await _deploy_page(visit, {"project": visit.ask("project"), "version": ""}, None)


async def upload(visit: Visit) -> Done | Data:
    """Store an egg without activating it; the browser goes to the page about it."""
    project, version, egg = (
        visit.field("project").strip(),
        visit.field("version").strip(),
        visit.upload("egg"),
    )
    form = {"project": project, "version": version}
    if not visit.sees(project):
        return await _deploy_page(visit, form, ("You have no access to project {name}", {"name": project}))
    if not egg:
        return await _deploy_page(visit, form, ("Choose the file of an egg", {}))
    version = version or await deferToThread(_named_version, egg)
    if not version:
        return await _deploy_page(visit, form, ("The egg does not name its version: write one", {}))
    try:
        stored, _ = await visit.actions.versions(project)
        if visit.actions.eggs.records.name(version) in stored:
            problem = "{project} has a version {version} already: write another one, or delete it first"
            return await _deploy_page(visit, form, (problem, {"project": project, "version": version}))
        record = await visit.actions.deploy(project, version, egg, visit.user_name, activate=False)
    except (JobError, BadEggError, ListingError, DirectoryTraversalError, OSError) as exc:
        return await _deploy_page(visit, form, ("{problem}", {"problem": str(exc)}))
    names = {"project": project, "version": record.version}
    return Done(address(VERSION, names), "Version {version} is stored. Look at it, then activate it", names)


async def versions(visit: Visit) -> Data:
    """Return the versions of a project, the one that was deployed last first."""
    project = visit.names["project"]
    visit.actions.check_project(project)
    stored, active = await visit.actions.versions(project)
    records = visit.actions.eggs.records
    rows = [_about(records.about(project, version), active) for version in reversed(stored)]
    rows.sort(key=lambda row: row["deployed"] or 0.0, reverse=True)
    return {"project": project, "active": active, "versions": rows}


async def version(visit: Visit) -> Data:
    """Return the contents of an egg, and its difference to the active version."""
    project, actions = visit.names["project"], visit.actions
    name = actions.eggs.records.name(visit.names["version"])
    actions.check_project(project)
    stored, active = await actions.versions(project)
    if name not in stored:
        raise NotFoundError("version", name)
    problem = ""
    try:
        spiders = await actions.spiders(project, name)
        before = await actions.spiders(project, active) if active and active != name else spiders
    except ListingError as exc:
        spiders, before, problem = [], [], str(exc)
    info = await _info(visit, project, name)
    old = await _info(visit, project, active) if active and active != name else info
    changes = asdict(difference(info.files, old.files)) if info and old else None
    return {
        "project": project,
        **_about(actions.eggs.records.about(project, name), active),
        "active_version": active,
        "spider_names": spiders,
        "problem": problem,
        "commit": info.commit if info else "",
        "dirty": info.dirty if info else False,
        "builder": info.builder if info else "",
        "files": len(info.files) if info else None,
        "spider_changes": asdict(difference(dict.fromkeys(spiders, 0), dict.fromkeys(before, 0))),
        "file_changes": changes,
    }


async def activate(visit: Visit) -> Done:
    """Make a version the one that jobs without a version run."""
    names = visit.names
    back = address(VERSIONS, names)
    try:
        previous = await visit.actions.activate(names["project"], names["version"], visit.user_name)
    except ListingError as exc:
        values = {**names, "problem": str(exc)}
        return Done(back, "Version {version} can't be activated: {problem}", values, bad=True)
    if previous and previous != names["version"]:
        text = "Version {version} is active now; before it was {previous}"
        return Done(back, text, values={"version": names["version"], "previous": previous})
    return Done(back, "Version {version} is active", values={"version": names["version"]})


async def delete(visit: Visit) -> Done:
    """Delete a version."""
    project, name = visit.names["project"], visit.names["version"]
    await visit.actions.delete(project, name)
    if project not in visit.actions.projects():
        return Done(
            "/deploy", "Version {version} and with it project {project} are deleted", dict(visit.names)
        )
    return Done(address(VERSIONS, visit.names), "Version {version} is deleted", values={"version": name})


async def delete_project(visit: Visit) -> Done:
    """Delete a project with all its versions."""
    await visit.actions.delete(visit.names["project"], None)
    return Done("/deploy", "Project {project} is deleted", visit.names)


async def _deploy_page(
    visit: Visit, form: dict[str, str], problem: tuple[str, dict[str, Any]] | None
) -> Data:
    rows = []
    for project in sorted(filter(visit.sees, visit.actions.projects())):
        stored, active = await visit.actions.versions(project)
        about = visit.actions.eggs.records.about(project, active) if active else {}
        rows.append({"project": project, "versions": len(stored), "active": active, **_dated(about)})
    return {
        "projects": rows,
        "form": form,
        "problem": {"text": problem[0], "values": problem[1]} if problem else None,
    }


def _about(record: dict[str, Any], active: str | None) -> dict[str, Any]:
    return {"version": record["version"], **_dated(record), "active": record["version"] == active}


def _dated(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record; None for those of an egg without a record."""
    return {name: record.get(name) for name in ("deployed", "by", "sha256", "size", "spiders")}


async def _info(visit: Visit, project: str, version: str) -> EggInfo | None:
    try:
        return await deferToThread(read_egg, visit.actions.eggs.path_of(project, version))
    except (OSError, zipfile.BadZipFile):
        return None


def _named_version(egg: bytes) -> str:
    """Return the version in the metadata of an egg; "" if there is none."""
    from io import BytesIO

    try:
        with zipfile.ZipFile(BytesIO(egg)) as archive:
            match = _VERSION.search(archive.read("EGG-INFO/PKG-INFO")[:10_000])
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError):
        return ""
    return match[1].decode("utf-8", "replace") if match else ""


SCREENS = (
    Screen("/deploy", deploy, "deploy.html", nav="deploy", live="egg"),
    Screen(VERSIONS, versions, "versions.html", nav="deploy", live="egg"),
    Screen(VERSION, version, "version.html", nav="deploy", live="egg"),
)
ACTIONS = (
    Action("/deploy", upload, Role.DEPLOYER),
    Action("/project/{project}/{version}/activate", activate, Role.DEPLOYER),
    Action("/project/{project}/{version}/delete", delete, Role.DEPLOYER),
    Action("/project/{project}/delete", delete_project, Role.ADMIN),
)
