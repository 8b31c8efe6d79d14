"""One version back: the latest is deleted, so that Scrapyd gives jobs the one before."""

from contextlib import suppress

from aioscrapy_deploy.eggs.versions import latest
from aioscrapy_deploy.errors import DeployError, ScrapydError, ServerError
from aioscrapy_deploy.remote.client import ScrapydClient


def roll_back(client: ScrapydClient, project: str, *, force: bool, dry_run: bool) -> str:
    """Delete the latest version on one Scrapyd; returns a line about the versions there.

    After an unclear answer the versions on the server decide whether it is deleted.

    Raises:
        DeployError: there is no version before it, or (without `force`) its spiders can't be listed.
        ServerError: the Scrapyd did not answer, or refused.
    """
    stored = client.listversions(project)
    current = latest(stored)
    before = latest(name for name in stored if name != current)
    if current is None or before is None:
        has = f"has version {current} alone" if current else "has no version"
        raise DeployError(f'project "{project}" in {client.url} {has}: there is none to go back to')
    try:
        spiders = client.listspiders(project, before)
    except ServerError as exc:
        if not force:
            raise DeployError(
                f"version {before} can't list its spiders either (roll back anyway: --force): {exc}"
            ) from exc
        spiders = []
    if dry_run:
        return f"Would take version {current} off {client.url}; the latest would be {before}"
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
    return f"Version {current} is taken off {client.url}; the latest is {before}, with {count}"
