"""`targets`, `projects`, `spiders`, `versions`: what is known here, and what is deployed there."""

import argparse
from collections.abc import Callable
from pathlib import Path

from aioscrapy_deploy.errors import ScrapydError, TargetError
from aioscrapy_deploy.fleet import Scrapyds, add_target_options, reported
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.targets import find_project, read_targets
from aioscrapy_deploy.terminal.table import print_json, print_table
from aioscrapy_deploy.terminal.text import redacted


def configure_targets(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `targets`."""
    parser.add_argument("--json", action="store_true", help="write JSON")


@reported
def run_targets(options: argparse.Namespace) -> int:
    """List the targets of the cfg files; asks nobody, shows no password."""
    rows = [
        {
            "target": target.name,
            "project": target.project,
            "urls": [redacted(url) for url in target.urls],
            "username": target.username,
            "version": target.version,
        }
        for target in read_targets(find_project(Path.cwd()).cfg).values()
    ]
    if options.json:
        print_json(rows)
    elif rows:
        flat = [{**row, "urls": " ".join(row["urls"] or ())} for row in rows]
        print_table(flat, ("target", "project", "urls"))
    else:
        raise TargetError("no target is known here: no cfg file has a [deploy:NAME] section")
    return 0


def configure_projects(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `projects`."""
    add_target_options(parser, project=False)


@reported
def run_projects(options: argparse.Namespace) -> int:
    """List the projects that a target has."""
    return _show(Scrapyds.chosen(options), lambda client: client.listprojects(), "project", options.json)


def configure_spiders(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `spiders`."""
    add_target_options(parser)
    parser.add_argument("-v", "--version", help="of this version, instead of the latest")


@reported
def run_spiders(options: argparse.Namespace) -> int:
    """List the spiders of a deployed project."""
    scrapyds = Scrapyds.chosen(options)
    project = scrapyds.needed_project
    return _show(
        scrapyds, lambda client: client.listspiders(project, options.version), "spider", options.json
    )


def configure_versions(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `versions`."""
    add_target_options(parser)


@reported
def run_versions(options: argparse.Namespace) -> int:
    """List the versions of a deployed project, the latest last; 1 where there is none."""
    scrapyds = Scrapyds.chosen(options)
    project = scrapyds.needed_project

    def versions(client: ScrapydClient) -> list[str]:
        found = client.listversions(project)
        if not found and project not in client.listprojects():
            raise ScrapydError(f"{client.endpoint('listversions.json')}: project '{project}' not found")
        return found

    return _show(scrapyds, versions, "version", options.json)


def _show(scrapyds: Scrapyds, names: Callable[[ScrapydClient], list[str]], kind: str, as_json: bool) -> int:
    """List the names that the Scrapyds give, each once; where there are several Scrapyds, with who has it."""
    found: dict[str, list[str]] = {}
    for node, given in scrapyds.ask(names):
        for name in given:
            found.setdefault(name, []).append(node.name)
    rows = [{kind: name, "nodes": nodes} for name, nodes in found.items()]
    if as_json:
        print_json(rows)
    elif len(scrapyds.nodes) > 1:
        print_table(
            [{kind: name, "nodes": " ".join(nodes)} for name, nodes in found.items()], (kind, "nodes")
        )
    else:
        for name in found:
            print(name)
    return scrapyds.status
