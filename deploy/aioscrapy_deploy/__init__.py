"""Build a project as an egg, deploy it to Scrapyd servers, and operate its jobs there."""

from aioscrapy_deploy.answers import DaemonStatus, Job
from aioscrapy_deploy.client import ScrapydClient
from aioscrapy_deploy.errors import (
    DeployError,
    NoAnswerError,
    RefusedError,
    ScrapydError,
    ServerError,
    TargetError,
)

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
