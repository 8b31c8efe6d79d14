"""Show how the Scrapyds of a target are, or how far jobs are.

aioscrapy status -t production
aioscrapy status JOB
"""

from aioscrapy_deploy.operate.status import configure, run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
