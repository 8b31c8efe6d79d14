"""What `projects` and `spiders` have in common: a list of names from every Scrapyd."""

from collections.abc import Callable

from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.terminal.table import print_json, print_table
from aioscrapy_deploy.terminal.text import printable


def show_names(fleet: Fleet, names: Callable[[ScrapydClient], list[str]], kind: str, as_json: bool) -> int:
    """Print each name once; with several servers also which have it. Returns the exit status."""
    nodes_of: dict[str, list[str]] = {}
    for node, names_there in fleet.query(names):
        for name in names_there:
            nodes_of.setdefault(name, []).append(node.name)
    if as_json:
        print_json([{kind: name, "nodes": nodes} for name, nodes in nodes_of.items()])
    elif len(fleet.nodes) > 1:
        rows = [{kind: name, "nodes": " ".join(nodes)} for name, nodes in nodes_of.items()]
        print_table(rows, (kind, "nodes"))
    else:
        for name in nodes_of:
            print(printable(name))
    return fleet.status
