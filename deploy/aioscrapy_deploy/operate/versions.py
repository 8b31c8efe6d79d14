"""List the versions of a deployed project, the latest last.

Examples:
  aioscrapy versions -t production
"""

import argparse

from aioscrapy_deploy.errors import ScrapydError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.names import show_names
from aioscrapy_deploy.remote.client import ScrapydClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)


@reported
def run(options: argparse.Namespace) -> int:
    """List the versions of a deployed project, the latest last; 1 without a version."""
    fleet = Fleet.from_options(options)
    project = fleet.needed_project

    def versions(client: ScrapydClient) -> list[str]:
        stored = client.listversions(project)
        if not stored and project not in client.listprojects():
            raise ScrapydError(f"{client.endpoint('listversions.json')}: project '{project}' not found")
        return stored

    return show_names(fleet, versions, "version", options.json)
