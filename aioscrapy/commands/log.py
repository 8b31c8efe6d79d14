"""Show the log of a job.

aioscrapy log 20261124T031834-9644c3-5d21aa
aioscrapy log JOB -f                          # until the job has ended
"""

from aioscrapy_deploy.operate.log import configure, run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
