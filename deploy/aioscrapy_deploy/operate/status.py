"""Show how the Scrapyds of a target are, or how far jobs are.

aioscrapy status -t production
aioscrapy status JOB
"""

import argparse

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.find_jobs import find_jobs
from aioscrapy_deploy.terminal.table import print_json, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument(
        "jobs", nargs="*", metavar="JOB", help="a job, or a crawl that `schedule` has started"
    )


@reported
def run(options: argparse.Namespace) -> int:
    """Show each Scrapyd with the number of its jobs, those of all projects; or the state of these jobs."""
    fleet = Fleet.from_options(options)
    if options.jobs:
        found = find_jobs(fleet, options.jobs)
        rows = [{"job": each.job.id, "state": each.job.state, "node": each.node.name} for each in found]
        columns = ["job", "state", "node"]
    else:
        answers = fleet.query(lambda client: client.daemonstatus())
        rows = [{"node": node.name, **vars(status)} for node, status in answers]
        columns = ["node", "node_name", "pending", "running", "finished"]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, columns)
    return fleet.status
