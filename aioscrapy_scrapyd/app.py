"""`application` of scrapyd.conf: builds all parts of a node in one place."""

import time
from typing import Any

# Nothing of Scrapyd or Twisted at module level: some of their modules install a reactor at import.

# Key of scrapyd.conf -> Scrapyd's own part. The node takes their place together: where the user has named one
# of them himself, all of them are those of scrapyd.conf.
JOB_PARTS = {
    "spiderqueue": "scrapyd.spiderqueue.SqliteSpiderQueue",
    "poller": "scrapyd.poller.QueuePoller",
    "launcher": "scrapyd.launcher.Launcher",
    "jobstorage": "scrapyd.jobstorage.MemoryJobStorage",
}
EGG_STORAGE = "scrapyd.eggstorage.FilesystemEggStorage"
STORAGES = {JOB_PARTS["jobstorage"], "scrapyd.jobstorage.SqliteJobStorage"}


def application(config: Any) -> Any:
    """Return the Twisted application of a node.

    Args:
        config: Scrapyd's `Config`. Parts of ours replace those of Scrapyd that it names.

    Raises:
        scrapyd.exceptions.ConfigError: the node can't start like this; Scrapyd prints the text and exits.
    """
    from scrapyd.interfaces import IEggStorage
    from twisted.application.internet import TCPServer, UNIXServer
    from twisted.application.service import Application
    from twisted.logger import Logger

    from aioscrapy_scrapyd.logins import Logins
    from aioscrapy_scrapyd.node_config import node_config
    from aioscrapy_scrapyd.site import Door, NodeSite
    from aioscrapy_scrapyd.tokens import Tokens

    node = node_config(config)
    log = Logger("scrapyd.app")
    app = Application("Scrapyd")
    tokens, audit = None, _no_audit
    own_parts = ", ".join(_replaced(config))
    if own_parts:
        log.warn("Jobs are not kept over a restart, by {parts}", parts=own_parts)  # noqa: G010 Twisted's Logger
        app.setComponent(IEggStorage, _part(config, "eggstorage", EGG_STORAGE))
        _add_stock_jobs(app, config)
    else:
        store = _add_jobs(app, config, node)
        tokens, audit = Tokens(store), store.audit

    door = Door(
        guard=node.guard,
        logins=Logins(node.users, tokens),
        body_limit=node.egg_max_mb * 2**20,
        prefix_header=config.get("prefix_header", "x-forwarded-prefix").lower(),
        proxies=node.trusted_proxies,
        audit=audit,
    )
    webroot = _part(config, "webroot", "scrapyd.website.Root", "aioscrapy_scrapyd.website.Root", app)
    site = NodeSite(webroot, door)
    state = "enabled" if node.users else "disabled as either `username` or `password` is unset"
    log.info("Basic authentication {state}", state=state)
    if node.bind_address and node.http_port:
        TCPServer(node.http_port, site, interface=node.bind_address).setServiceParent(app)
        log.info(
            "Scrapyd web console available at http://{address}:{port}/",
            address=node.bind_address,
            port=node.http_port,
        )
    if node.unix_socket_path:
        UNIXServer(node.unix_socket_path, site, mode=0o660).setServiceParent(app)
        log.info("Scrapyd web console available at http+unix://{path}", path=node.unix_socket_path)
    return app


def _no_audit(*entry: Any) -> None:
    """Keep no record of changes: there is no node.db."""


def _add_jobs(app: Any, config: Any, settings: Any) -> Any:
    """Add the node and the faces of it that Scrapyd's services read; returns the store."""
    from scrapyd.exceptions import ConfigError
    from scrapyd.interfaces import IEggStorage, IEnvironment, IJobStorage, IPoller, ISpiderScheduler
    from twisted.application.internet import TimerService
    from twisted.internet import reactor
    from twisted.internet.threads import deferToThread

    from aioscrapy_scrapyd.eggs import EggRecords
    from aioscrapy_scrapyd.eggstorage import EggStorage
    from aioscrapy_scrapyd.environ import Environment
    from aioscrapy_scrapyd.housekeeping import PAUSE_S, forget_history, remove_files
    from aioscrapy_scrapyd.jobstorage import JobStorage
    from aioscrapy_scrapyd.launcher import Launcher
    from aioscrapy_scrapyd.node import Node
    from aioscrapy_scrapyd.poller import Poller
    from aioscrapy_scrapyd.scheduler import SpiderScheduler
    from aioscrapy_scrapyd.state.folder import StateFolder
    from aioscrapy_scrapyd.state.jobs import Jobs
    from aioscrapy_scrapyd.state.store import StoreError

    jobs = Jobs(settings.limits)
    try:
        folder = StateFolder(settings.dbs_dir)
        store = folder.open()
    except StoreError as exc:
        raise ConfigError(str(exc)) from exc
    is_stock = config.get("eggstorage", EGG_STORAGE) == EGG_STORAGE
    eggs = EggStorage(config, EggRecords(store)) if is_stock else _part(config, "eggstorage", EGG_STORAGE)
    app.setComponent(IEggStorage, eggs)
    environment = Environment(config, jobs.live, getattr(eggs, "active", None))
    node = Node(
        jobs,
        store,
        environment.command,
        environment.files,
        cancel_deadline_s=settings.cancel_deadline_s,
        reactor=reactor,
    )
    poller = Poller(config, node)
    app.setComponent(IEnvironment, environment)
    app.setComponent(IPoller, poller)
    app.setComponent(ISpiderScheduler, SpiderScheduler(poller))
    app.setComponent(IJobStorage, JobStorage(config, store))
    Launcher(config, app, node).setServiceParent(app)

    def clean() -> Any:
        live, now = {job.id for job in jobs}, time.time()
        store.write(forget_history(settings.keep, now))
        return deferToThread(remove_files, environment.folders(), settings.keep, live, now)

    TimerService(PAUSE_S, clean).setServiceParent(app)
    return store


def _add_stock_jobs(app: Any, config: Any) -> None:
    """Add Scrapyd's own queue, poller and launcher, or those that the user has named."""
    from scrapyd.environ import Environment
    from scrapyd.interfaces import IEnvironment, IJobStorage, IPoller, ISpiderScheduler
    from scrapyd.scheduler import SpiderScheduler
    from twisted.application.internet import TimerService

    poller = _part(config, "poller", JOB_PARTS["poller"])
    app.setComponent(IEnvironment, Environment(config))
    app.setComponent(ISpiderScheduler, SpiderScheduler(config))
    app.setComponent(IPoller, poller)
    app.setComponent(IJobStorage, _part(config, "jobstorage", JOB_PARTS["jobstorage"]))
    _part(config, "launcher", JOB_PARTS["launcher"], "", app).setServiceParent(app)
    TimerService(config.getfloat("poll_interval", 5), poller.poll).setServiceParent(app)


def _replaced(config: Any) -> list[str]:
    """Return the parts of the jobs that the user has replaced by his own."""
    return [
        f"{key} = {config.get(key, stock)}"
        for key, stock in JOB_PARTS.items()
        if config.get(key, stock) not in {stock, *(STORAGES if key == "jobstorage" else ())}
    ]


def _part(config: Any, key: str, stock: str, ours: str = "", *args: Any) -> Any:
    """Build one part: ours in the place of Scrapyd's own, the user's where he has named one."""
    from scrapy.utils.misc import load_object

    named = config.get(key, stock)
    return load_object(ours if ours and named == stock else named)(config, *args)
