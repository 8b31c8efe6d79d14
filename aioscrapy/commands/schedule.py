"""Start a spider on a target, as one job or as several that share a crawl.

aioscrapy schedule quotes -a tag=love -s DOWNLOAD_DELAY=0.5
aioscrapy schedule quotes --jobs 4 --wait     # over all Scrapyds of the target, until the crawl has ended
"""

from aioscrapy_deploy.operate.schedule import configure, run

SETTINGS = False  # -t, -p and -s are about the Scrapyds

__all__ = ["SETTINGS", "configure", "run"]
