"""Our own real neighbours for tests: a Redis, a web site, Scrapyd; and how child processes find us."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def child_environment(**variables: str) -> dict[str, str]:
    """Return an environment in which a child imports this repository's packages, installed or not."""
    paths = [str(REPOSITORY), str(REPOSITORY / "deploy")]
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths + ([inherited] if inherited else [])),
        **variables,
    }
