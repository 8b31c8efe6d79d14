"""`application` of scrapyd.conf: builds all parts of a node in one place."""

from typing import Any

# Nothing of Scrapyd or Twisted at module level: some of their modules install a reactor at import.

# Key of scrapyd.conf -> (Scrapyd's own part, ours). A part that the user has named himself stays.
PARTS = {
    "poller": ("scrapyd.poller.QueuePoller", "scrapyd.poller.QueuePoller"),
    "jobstorage": ("scrapyd.jobstorage.MemoryJobStorage", "scrapyd.jobstorage.MemoryJobStorage"),
    "eggstorage": ("scrapyd.eggstorage.FilesystemEggStorage", "scrapyd.eggstorage.FilesystemEggStorage"),
    "launcher": ("scrapyd.launcher.Launcher", "scrapyd.launcher.Launcher"),
    "webroot": ("scrapyd.website.Root", "aioscrapy_scrapyd.website.Root"),
}


def application(config: Any) -> Any:
    """Return the Twisted application of a node.

    Args:
        config: Scrapyd's `Config`. Parts of ours replace those of Scrapyd that it names.

    Raises:
        scrapyd.exceptions.ConfigError: the node can't start like this; Scrapyd prints the text and exits.
    """
    from scrapyd.environ import Environment
    from scrapyd.interfaces import IEggStorage, IEnvironment, IJobStorage, IPoller, ISpiderScheduler
    from scrapyd.scheduler import SpiderScheduler
    from twisted.application.internet import TCPServer, TimerService, UNIXServer
    from twisted.application.service import Application
    from twisted.logger import Logger

    from aioscrapy_scrapyd.logins import Logins
    from aioscrapy_scrapyd.node_config import node_config
    from aioscrapy_scrapyd.site import Door, NodeSite

    node = node_config(config)
    log = Logger("scrapyd.app")
    app = Application("Scrapyd")
    poller = _part(config, "poller")
    app.setComponent(IEnvironment, Environment(config))
    app.setComponent(ISpiderScheduler, SpiderScheduler(config))
    app.setComponent(IPoller, poller)
    app.setComponent(IJobStorage, _part(config, "jobstorage"))
    app.setComponent(IEggStorage, _part(config, "eggstorage"))
    _part(config, "launcher", app).setServiceParent(app)
    TimerService(config.getfloat("poll_interval", 5), poller.poll).setServiceParent(app)

    door = Door(
        guard=node.guard,
        logins=Logins(node.users),
        body_limit=node.egg_max_mb * 2**20,
        prefix_header=config.get("prefix_header", "x-forwarded-prefix").lower(),
        proxies=node.trusted_proxies,
    )
    site = NodeSite(_part(config, "webroot", app), door)
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


def _part(config: Any, key: str, *args: Any) -> Any:
    """Build one part: ours in the place of Scrapyd's own, the user's where he has named one."""
    from scrapy.utils.misc import load_object

    stock, ours = PARTS[key]
    named = config.get(key, stock)
    return load_object(ours if named == stock else named)(config, *args)
