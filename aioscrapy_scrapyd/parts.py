"""Builds all parts of a node in one place: ours, or those that the user has named in scrapyd.conf."""

import time
from functools import partial
from typing import Any

import scrapyd.environ
import scrapyd.scheduler
from scrapy.utils.misc import load_object
from scrapyd.exceptions import ConfigError
from scrapyd.interfaces import IEggStorage, IEnvironment, IJobStorage, IPoller, ISpiderScheduler
from twisted.application.internet import TCPServer, TimerService, UNIXServer
from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from aioscrapy_scrapyd.clock import Clock
from aioscrapy_scrapyd.eggs import EggRecords
from aioscrapy_scrapyd.eggstorage import EggStorage
from aioscrapy_scrapyd.environ import Environment
from aioscrapy_scrapyd.housekeeping import PAUSE_S, Keep, forget_history, remove_files
from aioscrapy_scrapyd.jobstorage import JobStorage
from aioscrapy_scrapyd.launcher import Launcher
from aioscrapy_scrapyd.logins import Logins
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.node_config import NodeConfig, node_config
from aioscrapy_scrapyd.poller import Poller
from aioscrapy_scrapyd.samples import Samples
from aioscrapy_scrapyd.scheduler import SpiderScheduler
from aioscrapy_scrapyd.site import Door, NodeSite
from aioscrapy_scrapyd.state.folder import StateFolder
from aioscrapy_scrapyd.state.jobs import Jobs
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store
from aioscrapy_scrapyd.tokens import Tokens

log = Logger("scrapyd.app")

# Key of scrapyd.conf -> Scrapyd's own part. The node takes their place together: where the user has named one
# of them himself, all of them are those of scrapyd.conf.
JOB_PARTS = {
    "spiderqueue": "scrapyd.spiderqueue.SqliteSpiderQueue",
    "poller": "scrapyd.poller.QueuePoller",
    "launcher": "scrapyd.launcher.Launcher",
    "jobstorage": "scrapyd.jobstorage.MemoryJobStorage",
}
STORAGES = {JOB_PARTS["jobstorage"], "scrapyd.jobstorage.SqliteJobStorage"}
EGG_STORAGE = "scrapyd.eggstorage.FilesystemEggStorage"
WEBROOT = "scrapyd.website.Root"


def build(config: Any) -> Any:
    """Return the application with all its parts.

    Raises:
        ConfigError: the node can't start like this.
    """
    settings = node_config(config)
    app = Application("Scrapyd")
    own_parts = _replaced(config)
    if own_parts:
        text = ", ".join(own_parts)
        log.warn("Jobs are not kept over a restart, by {parts}", parts=text)  # noqa: G010 Twisted's Logger
        store = None
        _add_stock_jobs(app, config)
    else:
        store = _open_store(settings)
        _add_jobs(app, config, settings, store)
    ours = "aioscrapy_scrapyd.website.Root"
    webroot = _part(config, "webroot", WEBROOT, app, ours=ours)
    _listen(app, settings, NodeSite(webroot, _door(config, settings, store, webroot)))
    return app


def _open_store(settings: NodeConfig) -> Store:
    try:
        return StateFolder(settings.dbs_dir).open()
    except StoreError as exc:
        raise ConfigError(str(exc)) from exc


def _add_jobs(app: Any, config: Any, settings: NodeConfig, store: Store) -> None:
    """Add the node and the faces of it that Scrapyd's services read."""
    jobs = Jobs(settings.limits)
    is_stock = config.get("eggstorage", EGG_STORAGE) == EGG_STORAGE
    eggs = EggStorage(config, EggRecords(store)) if is_stock else _part(config, "eggstorage", EGG_STORAGE)
    environment = Environment(config, jobs.live, getattr(eggs, "active", None))
    node = Node(
        jobs,
        store,
        environment.command,
        environment.files,
        cancel_deadline_s=settings.cancel_deadline_s,
        reactor=reactor,
    )
    samples = Samples(store)
    node.listeners.append(lambda job: samples.job_changed(job, time.time()))
    poller = Poller(config, node)
    app.setComponent(IEggStorage, eggs)
    app.setComponent(IEnvironment, environment)
    app.setComponent(IPoller, poller)
    app.setComponent(ISpiderScheduler, SpiderScheduler(poller))
    app.setComponent(IJobStorage, JobStorage(config, store))
    Launcher(config, app, node).setServiceParent(app)
    clean = partial(_clean, Clock(), store, jobs, environment, settings.keep)
    TimerService(PAUSE_S, clean).setServiceParent(app)


def _clean(clock: Clock, store: Store, jobs: Jobs, environment: Environment, keep: Keep) -> Any:
    """Throw away what is old; an error does not end the timer."""
    jump = clock.jump()
    if abs(jump) > PAUSE_S:  # what seems old may be new
        log.warn("The clock was set by {jump:.0f} s: nothing is deleted for an hour", jump=jump)  # noqa: G010 Twisted's Logger
        return None
    live, now = {job.id for job in jobs}, time.time()
    store.write(forget_history(keep, now))
    removing = deferToThread(remove_files, environment.folders(), keep, live, now)
    return removing.addErrback(lambda failure: log.failure("Old files were not deleted", failure))


def _add_stock_jobs(app: Any, config: Any) -> None:
    """Add Scrapyd's own queue, poller and launcher, or those that the user has named."""
    poller = _part(config, "poller", JOB_PARTS["poller"])
    app.setComponent(IEggStorage, _part(config, "eggstorage", EGG_STORAGE))
    app.setComponent(IEnvironment, scrapyd.environ.Environment(config))
    app.setComponent(ISpiderScheduler, scrapyd.scheduler.SpiderScheduler(config))
    app.setComponent(IPoller, poller)
    app.setComponent(IJobStorage, _part(config, "jobstorage", JOB_PARTS["jobstorage"]))
    _part(config, "launcher", JOB_PARTS["launcher"], app).setServiceParent(app)
    TimerService(config.getfloat("poll_interval", 5), poller.poll).setServiceParent(app)


def _door(config: Any, settings: NodeConfig, store: Store | None, webroot: Any) -> Door:
    return Door(
        guard=settings.guard,
        logins=Logins(settings.users, Tokens(store) if store is not None else None),
        body_limit=settings.egg_max_mb * 2**20,
        prefix_header=config.get("prefix_header", "x-forwarded-prefix").lower(),
        proxies=settings.trusted_proxies,
        audit=store.audit if store is not None else _ignore,
        ended=getattr(webroot, "request_ended", _ignore),
    )


def _ignore(*entry: Any) -> None:
    """Keep no record: there is no node."""


def _listen(app: Any, settings: NodeConfig, site: NodeSite) -> None:
    state = "enabled" if settings.users else "disabled as either `username` or `password` is unset"
    log.info("Basic authentication {state}", state=state)
    if settings.bind_address and settings.http_port:
        TCPServer(settings.http_port, site, interface=settings.bind_address).setServiceParent(app)
        log.info(
            "Scrapyd web console available at http://{address}:{port}/",
            address=settings.bind_address,
            port=settings.http_port,
        )
    if settings.unix_socket_path:
        UNIXServer(settings.unix_socket_path, site, mode=0o660).setServiceParent(app)
        log.info("Scrapyd web console available at http+unix://{path}", path=settings.unix_socket_path)


def _replaced(config: Any) -> list[str]:
    """Return the parts of the jobs that the user has replaced by his own."""
    return [
        f"{key} = {config.get(key, stock)}"
        for key, stock in JOB_PARTS.items()
        if config.get(key, stock) not in {stock, *(STORAGES if key == "jobstorage" else ())}
    ]


def _part(config: Any, key: str, stock: str, *args: Any, ours: str = "") -> Any:
    """Build one part: ours in the place of Scrapyd's own, the user's where he has named one."""
    named = config.get(key, stock)
    return load_object(ours if ours and named == stock else named)(config, *args)
