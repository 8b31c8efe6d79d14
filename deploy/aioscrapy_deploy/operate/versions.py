"""List the versions of a deployed project, the latest last; of a node also which one is active.

Examples:
  aioscrapy versions -t production
"""

import argparse

from aioscrapy_deploy.errors import ScrapydError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import Versions
from aioscrapy_deploy.terminal.table import print_json, print_table
from aioscrapy_deploy.terminal.text import printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)


@reported
def run(options: argparse.Namespace) -> int:
    """List the versions of a deployed project, the latest last; 1 without a version."""
    fleet = Fleet.from_options(options)
    project = fleet.needed_project

    def versions(client: ScrapydClient) -> Versions:
        stored = client.versions(project)
        if not stored.names and project not in client.listprojects():
            raise ScrapydError(f"{client.endpoint('listversions.json')}: project '{project}' not found")
        return stored

    nodes_of: dict[str, list[str]] = {}
    active_at: dict[str, list[str]] = {}
    answers = fleet.query(versions)
    for node, stored in answers:
        for name in stored.names:
            nodes_of.setdefault(name, []).append(node.name)
            if name == stored.active:
                active_at.setdefault(name, []).append(node.name)
    knows_active = any(stored.active for _, stored in answers)
    if options.json:
        active = {name: {"active": active_at.get(name, [])} if knows_active else {} for name in nodes_of}
        print_json([{"version": name, "nodes": nodes, **active[name]} for name, nodes in nodes_of.items()])
    elif len(fleet.nodes) > 1:
        rows = [
            {"version": name, "nodes": " ".join(nodes), "active": " ".join(active_at.get(name, []))}
            for name, nodes in nodes_of.items()
        ]
        print_table(rows, ("version", "nodes", "active") if knows_active else ("version", "nodes"))
    else:
        for name in nodes_of:
            print(printable(f"{name}  active" if name in active_at else name))
    return fleet.status
