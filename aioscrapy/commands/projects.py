"""List the projects on a target.

aioscrapy projects -t production
aioscrapy projects -t http://localhost:6800/
"""

from aioscrapy_deploy.operate.names import configure_projects as configure
from aioscrapy_deploy.operate.names import run_projects as run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
