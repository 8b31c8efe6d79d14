"""List the projects on a target.

Examples:
  aioscrapy projects -t production
  aioscrapy projects -t http://localhost:6800/
"""

import argparse

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.names import show_names


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser, project=False)


@reported
def run(options: argparse.Namespace) -> int:
    """List the projects that a target has."""
    fleet = Fleet.from_options(options)
    return show_names(fleet, lambda client: client.listprojects(), "project", options.json)
