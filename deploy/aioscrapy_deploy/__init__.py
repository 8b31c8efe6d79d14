"""Build a project as an egg, deploy it to Scrapyd servers, and operate its jobs there."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names load on first use: reading an egg or a cfg file needs none of them
    from aioscrapy_deploy.errors import (
        DeployError,
        NoAnswerError,
        RefusedError,
        ScrapydError,
        ServerError,
        TargetError,
    )
    from aioscrapy_deploy.remote.client import ScrapydClient
    from aioscrapy_deploy.remote.models import DaemonStatus, Job

_MODULES = {
    "DaemonStatus": "remote.models",
    "DeployError": "errors",
    "Job": "remote.models",
    "NoAnswerError": "errors",
    "RefusedError": "errors",
    "ScrapydClient": "remote.client",
    "ScrapydError": "errors",
    "ServerError": "errors",
    "TargetError": "errors",
}

__all__ = [
    "DaemonStatus",
    "DeployError",
    "Job",
    "NoAnswerError",
    "RefusedError",
    "ScrapydClient",
    "ScrapydError",
    "ServerError",
    "TargetError",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
