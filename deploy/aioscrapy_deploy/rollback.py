"""Roll back to the previous version: delete the latest one."""

from contextlib import suppress

from aioscrapy_deploy.eggs.versions import latest
from aioscrapy_deploy.errors import DeployError, ScrapydError, ServerError
from aioscrapy_deploy.remote.client import ScrapydClient


def roll_back(client: ScrapydClient, project: str, *, force: bool, dry_run: bool) -> str:
    """Delete the latest version on one Scrapyd; return a line about the versions there.

    After an unclear answer the versions on the server decide whether it is deleted.

    Raises:
        DeployError: there is no previous version, or (without `force`) its spiders can't be listed.
        ServerError: the Scrapyd did not answer, or refused.
    """
    stored = client.listversions(project)
    current = latest(stored)
    before = latest(name for name in stored if name != current)
    if current is None or before is None:
        has = f"has only version {current}" if current else "has no version"
        raise DeployError(f'project "{project}" in {client.url} {has}: there is no previous version')
    try:
        spiders = client.listspiders(project, before)
    except ServerError as exc:
        if not force:
            raise DeployError(
                f"version {before} can't list its spiders either (roll back anyway: --force): {exc}"
            ) from exc
        spiders = []
    if dry_run:
        return f"Would delete version {current} in {client.url}; the latest would be {before}"
    try:
        client.delversion(project, current)
    except ScrapydError:
        raise
    except ServerError:
        left = None
        with suppress(ServerError):
            left = client.listversions(project)
        if left is None or current in left:
            raise
    count = f"{len(spiders)} spider{'s' if len(spiders) != 1 else ''}"
    return f"Version {current} is deleted in {client.url}; the latest is {before}, with {count}"
