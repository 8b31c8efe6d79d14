"""List the spiders of a deployed project.

aioscrapy spiders
aioscrapy spiders -t production -v 1795495282
"""

from aioscrapy_deploy.operate.names import configure_spiders as configure
from aioscrapy_deploy.operate.names import run_spiders as run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
