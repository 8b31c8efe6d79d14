"""Show the jobs of a target.

aioscrapy jobs
aioscrapy jobs --watch                        # up to date until Ctrl-C
aioscrapy jobs --json | jq '.[] | select(.state == "running")'
"""

from aioscrapy_deploy.operate.jobs import configure, run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
