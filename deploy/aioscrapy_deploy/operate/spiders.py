"""List the spiders of a deployed project.

Examples:
  aioscrapy spiders
  aioscrapy spiders -t production -v 1795495282
"""

import argparse

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.names import show_names


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument("-v", "--version", help="version of the project (default: the latest)")


@reported
def run(options: argparse.Namespace) -> int:
    """List the spiders of a deployed project."""
    fleet = Fleet.from_options(options)
    project = fleet.needed_project
    return show_names(
        fleet, lambda client: client.listspiders(project, options.version), "spider", options.json
    )
