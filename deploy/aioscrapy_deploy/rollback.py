"""Roll back to the previous version: activate it on a node; on a stock Scrapyd, delete the latest one."""

from contextlib import suppress

from aioscrapy_deploy.eggs.versions import stored_name
from aioscrapy_deploy.errors import DeployError, ScrapydError, ServerError
from aioscrapy_deploy.remote.client import ScrapydClient


def roll_back(client: ScrapydClient, project: str, *, force: bool, dry_run: bool) -> str:
    """Make jobs of one server use the version before the current one; return a line about the versions there.

    Raises:
        DeployError: there is no previous version, or (without `force`) its spiders can't be listed.
        ServerError: the Scrapyd did not answer, or refused.
    """
    versions = client.versions(project)
    current, before = versions.in_use, versions.before
    if current is None or before is None:
        has = "has no version" if current is None else f"has only version {current}"
        if len(versions.names) > 1:
            has = f"has no version that was deployed before the active one, {current}"
        raise DeployError(f'project "{project}" in {client.url} {has}: there is no previous version')
    try:
        spiders = client.listspiders(project, before)
    except ServerError as exc:
        if not force:
            raise DeployError(
                f"version {before} can't list its spiders either (roll back anyway: --force): {exc}"
            ) from exc
        spiders = []
    count = f"{len(spiders)} spider{'s' if len(spiders) != 1 else ''}"
    if versions.active is not None:
        if dry_run:
            return f"Would make version {before} active in {client.url}; {current} is active now"
        activate(client, project, before)
        return (
            f"Version {before} is active in {client.url}, with {count}; version {current} stays there "
            f"(back: aioscrapy activate {current})"
        )
    if dry_run:
        return f"Would delete version {current} in {client.url}; the latest would be {before}"
    _delete(client, project, current)
    return f"Version {current} is deleted in {client.url}; the latest is {before}, with {count}"


def activate(client: ScrapydClient, project: str, version: str) -> str | None:
    """Make a version of a node the active one; return the one that was active before.

    After an unclear answer the active version on the server decides.

    Raises:
        ServerError: the server did not answer, or refused, or is not a node.
    """
    before = client.versions(project).active  # also raises if the server does not answer
    try:
        client.activate(project, version)
    except ScrapydError:
        raise
    except ServerError:
        with suppress(ServerError):
            if client.is_node and client.versions(project).active == stored_name(version):
                return before
        raise
    return before


def _delete(client: ScrapydClient, project: str, version: str) -> None:
    """Delete a version; after an unclear answer the versions on the server decide whether it is deleted."""
    try:
        client.delversion(project, version)
    except ScrapydError:
        raise
    except ServerError:
        left = None
        with suppress(ServerError):
            left = client.listversions(project)
        if left is None or version in left:
            raise
