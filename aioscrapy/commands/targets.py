"""List the targets that the cfg files name.

aioscrapy targets
aioscrapy targets --json
"""

from aioscrapy_deploy.operate.names import configure_targets as configure
from aioscrapy_deploy.operate.names import run_targets as run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
