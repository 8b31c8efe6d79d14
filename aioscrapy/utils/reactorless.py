"""A crawl without a reactor of Twisted, which every crawl is here."""

from aioscrapy.utils.reactor import is_reactor_installed


def is_reactorless() -> bool:
    """Return True if an event loop of asyncio runs and no reactor of Twisted is installed."""
    from aioscrapy.utils.asyncio import is_asyncio_available

    return not is_reactor_installed() and is_asyncio_available()


def install_reactor_import_hook() -> None:
    """Do nothing: a program may import a reactor."""


def uninstall_reactor_import_hook(hook: object = None) -> None:
    """Do nothing."""
