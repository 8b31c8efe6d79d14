"""List the versions of a deployed project, the latest last.

aioscrapy versions -t production
"""

from aioscrapy_deploy.operate.names import configure_versions as configure
from aioscrapy_deploy.operate.names import run_versions as run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
