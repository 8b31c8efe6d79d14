"""List the targets of the cfg files.

Examples:
  aioscrapy targets
  aioscrapy targets --json
"""

import argparse
from pathlib import Path

from aioscrapy_deploy.cfg import find_project
from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.fleet import reported
from aioscrapy_deploy.targets import read_targets
from aioscrapy_deploy.terminal.table import print_json, print_table
from aioscrapy_deploy.terminal.text import redacted


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


@reported
def run(options: argparse.Namespace) -> int:
    """List the targets of the cfg files; sends no request, prints no password."""
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
