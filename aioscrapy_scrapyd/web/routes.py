"""All screens and actions in one table; the pages and the roles are made from it."""

from aioscrapy_scrapyd.web.screen import Table
from aioscrapy_scrapyd.web.screens import crawls, deploy, job, jobfiles, jobs, node, run

_MODULES = (jobs, job, jobfiles, crawls, run, deploy, node)

TABLE = Table(
    [screen for module in _MODULES for screen in module.SCREENS],
    [action for module in _MODULES for action in module.ACTIONS],
)
