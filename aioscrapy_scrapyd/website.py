"""`webroot` of scrapyd.conf: the pages and services of a node."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import scrapyd.webservice as stock
import scrapyd.website
from scrapyd.utils import local_items
from typing_extensions import override

from aioscrapy_scrapyd.actions import Actions
from aioscrapy_scrapyd.api.resource import Api
from aioscrapy_scrapyd.api.routes import PREFIX, find
from aioscrapy_scrapyd.crawls.loop import LoopThread
from aioscrapy_scrapyd.crawls.servers import Servers
from aioscrapy_scrapyd.crawls.shared import SharedCrawls
from aioscrapy_scrapyd.eggstorage import EggStorage
from aioscrapy_scrapyd.facts import MachineFacts, NodeFacts
from aioscrapy_scrapyd.metrics.collector import Gauge, NodeCollector
from aioscrapy_scrapyd.metrics.measures import LoopWatch, Measures
from aioscrapy_scrapyd.metrics.resource import Metrics
from aioscrapy_scrapyd.node_config import configured_url, configured_users, redis_urls
from aioscrapy_scrapyd.services import eggs, jobs
from aioscrapy_scrapyd.spidernames import SpiderNames
from aioscrapy_scrapyd.web.activity import Activity
from aioscrapy_scrapyd.web.ended import EndedJobs
from aioscrapy_scrapyd.web.events import Events, Stream
from aioscrapy_scrapyd.web.pages import Pages
from aioscrapy_scrapyd.web.pulse import Pulse
from aioscrapy_scrapyd.web.routes import TABLE

# Ended jobs that are asked at the start for the crawls that they worked on.
HISTORY = 500
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
        self.pages: Pages | None = None
        if hasattr(self.launcher, "node"):
            self.actions = Actions(
                self.launcher.node,
                self.eggstorage,
                SpiderNames(self.runner),
                lambda: self.poller.queues,
                self.update_projects,
                _crawls(config, self.launcher.node),
                NodeFacts(
                    MachineFacts(_folders(config, self.launcher.node)),
                    configured_users(config),
                    configured_url(config),
                ),
                self.node_name,
            )
            services = {**JOB_SERVICES}
            if isinstance(self.eggstorage, EggStorage):
                services |= EGG_SERVICES
                self.putChild(b"activate.json", eggs.Activate(self))
                self.putChild(b"api", Api(self.actions))
            for name, service in list(self.children.items()):
                if type(service) in services:
                    self.putChild(name, services[type(service)](self))
            self._measure(app)
            self._add_pages()

    def _add_pages(self) -> None:
        node = self.launcher.node
        activity, ended, events = Activity(), EndedJobs(node.store), Events(node.reactor)
        node.listeners += [activity.job_changed, ended.job_changed, events.job_changed]
        self.actions.listeners.append(events.version_changed)
        folders = [name for name in ("logs", "items") if name.encode() in self.children]
        self.pages = Pages(
            self.actions,
            activity,
            ended,
            lambda: events.position,
            TABLE,
            self.node_name,
            self.prefix_header,
            folders,
        )
        node.reactor.callInThread(self.pages.prepare)
        self.putChild(b"", Home(self))
        self.putChild(b"events", Stream(events))
        self._pulse = Pulse(events, self.actions.crawls, node.reactor)
        node.reactor.callWhenRunning(self._pulse.start)

    @override
    def getChild(self, path: bytes, request: Any) -> Any:
        return self.pages if self.pages is not None else super().getChild(path, request)

    def _measure(self, app: Any) -> None:
        node = self.launcher.node
        self.measures = Measures()
        node.listeners.append(self.measures.job_changed)
        self.actions.deploy_listeners.append(lambda ok: self.measures.deploy_ended(ok=ok))
        collector = NodeCollector(node, self.node_name, self.actions.projects, self._gauges)
        metrics = Metrics(node.store, self.actions.facts.machine, self.measures, collector)
        self.putChild(b"metrics", metrics)
        LoopWatch(self.measures, node.reactor).setServiceParent(app)

    def _gauges(self) -> list[Gauge]:
        text = "1: the Redis of shared crawls answered within a second."
        return [("scrapyd_redis_up", text, "redis", self.actions.crawls.up())]

    def request_ended(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count an answered request by its route; a stream of events has no time of its own."""
        if hasattr(self, "measures") and not path.startswith("/events"):
            self.measures.request_ended(self._route(method, path), status, seconds)

    def _route(self, method: str, path: str) -> str:
        """Return the name of a route: there are few, whatever clients ask for."""
        if path.startswith(f"{PREFIX}/"):
            route, _, _ = find(method, path.removeprefix(PREFIX))
            return f"{PREFIX}{route.path}" if route is not None else "other"
        first, slash, _ = path.removeprefix("/").partition("/")
        if first.encode("latin-1") not in self.children:
            return TABLE.label(method, path) or ("/static/" if first == "static" else "other")
        return f"/{first}{slash}"

    @override
    def get_log_url(self, job: Any) -> str | None:
        return _quoted(super().get_log_url(job))

    @override
    def get_item_url(self, job: Any) -> str | None:
        return _quoted(super().get_item_url(job))


class Home(scrapyd.website.Home):
    """The first page: ours. Scrapyd's own is still what `render_GET` returns."""

    @override
    def render(self, request: Any) -> Any:
        return self.root.pages.render(request)


def _quoted(url: str | None) -> str | None:
    return quote(url, safe="/") if url is not None else None


def _crawls(config: Any, node: Any) -> SharedCrawls:
    """Return the shared crawls, with those that the jobs of the history name."""
    crawls = SharedCrawls(Servers(redis_urls(config)), LoopThread(node.reactor))
    for job in (*node.store.ended(HISTORY), *node.store.live()):
        crawls.job_changed(job)
    node.listeners.append(crawls.job_changed)
    return crawls


def _folders(config: Any, node: Any) -> list[Path]:
    """Return the folders in which the node writes."""
    named = [config.get("eggs_dir", "eggs"), config.get("logs_dir", "logs")]
    items = config.get("items_dir", "")
    named += [items] if items and local_items(items, urlsplit(items)) else []
    return [node.store.path.parent, *(Path(name).absolute() for name in named if name)]
