"""`webroot` of scrapyd.conf: the pages and services of a node."""

from typing import Any
from urllib.parse import quote

import scrapyd.webservice as stock
import scrapyd.website
from twisted.web.resource import Resource
from typing_extensions import override

from aioscrapy_scrapyd.actions import Actions
from aioscrapy_scrapyd.api.resource import Api
from aioscrapy_scrapyd.eggstorage import EggStorage
from aioscrapy_scrapyd.services import eggs, jobs
from aioscrapy_scrapyd.spidernames import SpiderNames

# Scrapyd's service -> ours. Services that the user has named himself stay.
JOB_SERVICES: dict[Any, Any] = {
    stock.Schedule: jobs.Schedule,
    stock.Cancel: jobs.Cancel,
    stock.ListJobs: jobs.ListJobs,
    stock.Status: jobs.Status,
    stock.DaemonStatus: jobs.DaemonStatus,
}
# The same for a storage of eggs that is ours.
EGG_SERVICES: dict[Any, Any] = {
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
        if hasattr(self.launcher, "node"):
            self.actions = Actions(
                self.launcher.node,
                self.eggstorage,
                SpiderNames(self.runner),
                lambda: self.poller.queues,
                self.update_projects,
            )
            services = {**JOB_SERVICES}
            if isinstance(self.eggstorage, EggStorage):
                services |= EGG_SERVICES
                self.putChild(b"activate.json", eggs.Activate(self))
                self.putChild(b"api", _api(self.actions))
            for name, service in list(self.children.items()):
                if type(service) in services:
                    self.putChild(name, services[type(service)](self))

    @override
    def get_log_url(self, job: Any) -> str | None:
        return _quoted(super().get_log_url(job))

    @override
    def get_item_url(self, job: Any) -> str | None:
        return _quoted(super().get_item_url(job))


def _api(actions: Actions) -> Any:
    folder: Any = Resource()
    folder.putChild(b"v1", Api(actions))
    return folder


def _quoted(url: str | None) -> str | None:
    return quote(url, safe="/") if url is not None else None
