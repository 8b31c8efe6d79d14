"""Print the state of the servers of a target, or of jobs.

Examples:
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
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="id of a job, or of a crawl of `schedule`")


@reported
def run(options: argparse.Namespace) -> int:
    """Print every Scrapyd with the number of its jobs in all projects; or the state of the named jobs."""
    fleet = Fleet.from_options(options)
    if options.jobs:
        matches = find_jobs(fleet, options.jobs)
        rows = [{"job": match.job.id, "state": match.job.state, "node": match.node.name} for match in matches]
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
