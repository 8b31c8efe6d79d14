"""Make a stored version of a node the one that jobs use.

Examples:
  aioscrapy activate 1795495282 -t production
"""

import argparse

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.rollback import activate
from aioscrapy_deploy.terminal.table import print_json
from aioscrapy_deploy.terminal.text import printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument("version", metavar="VERSION", help="a version that `aioscrapy versions` lists")


@reported
def run(options: argparse.Namespace) -> int:
    """Activate a version on every node of a target; 1 if one failed."""
    fleet = Fleet.from_options(options)
    project = fleet.needed_project
    answers = fleet.query(lambda client: activate(client, project, options.version))
    if options.json:
        print_json([{"node": node.name, "active": options.version, "before": old} for node, old in answers])
    else:
        for node, before in answers:
            was = f"; before, it was {before}" if before not in {None, options.version} else ""
            print(printable(f"Version {options.version} is active at {node.name}{was}"))
    return fleet.status
