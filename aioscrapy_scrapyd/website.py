"""`webroot` of scrapyd.conf: the pages and services of a node."""

from typing import Any
from urllib.parse import quote

import scrapyd.webservice as stock
import scrapyd.website
from typing_extensions import override

from aioscrapy_scrapyd.services import eggs, jobs
from aioscrapy_scrapyd.spidernames import SpiderNames

# Scrapyd's service -> ours. Services that the user has named himself stay.
SERVICES: dict[Any, Any] = {
    stock.Schedule: jobs.Schedule,
    stock.Cancel: jobs.Cancel,
    stock.ListJobs: jobs.ListJobs,
    stock.Status: jobs.Status,
    stock.DaemonStatus: jobs.DaemonStatus,
    stock.AddVersion: eggs.AddVersion,
    stock.ListVersions: eggs.ListVersions,
    stock.ListSpiders: eggs.ListSpiders,
    stock.DeleteVersion: eggs.DeleteVersion,
    stock.DeleteProject: eggs.DeleteProject,
}


class Root(scrapyd.website.Root):
    """Scrapyd's pages with quoted addresses, and our services where the node has the jobs.

    Scrapyd puts the addresses of logs and items into `href` as they are: a job id could hold a script.
    """

    def __init__(self, config: Any, app: Any) -> None:
        super().__init__(config, app)
        self.names = SpiderNames(self.runner)
        if hasattr(self.launcher, "node"):
            for name, service in list(self.children.items()):
                if type(service) in SERVICES:
                    self.putChild(name, SERVICES[type(service)](self))
            self.putChild(b"activate.json", eggs.Activate(self))

    @override
    def get_log_url(self, job: Any) -> str | None:
        return _quoted(super().get_log_url(job))

    @override
    def get_item_url(self, job: Any) -> str | None:
        return _quoted(super().get_item_url(job))


def _quoted(url: str | None) -> str | None:
    return quote(url, safe="/") if url is not None else None
