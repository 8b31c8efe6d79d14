"""End jobs: gracefully, and after a deadline by force.

aioscrapy cancel JOB
aioscrapy cancel 20261124T031834-9644c3       # all jobs of a crawl
aioscrapy cancel --all --timeout 60
"""

from aioscrapy_deploy.operate.cancel import configure, run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
