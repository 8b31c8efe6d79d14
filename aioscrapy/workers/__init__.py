"""One crawl by several processes of this machine: one log, one feed, one table of stats, one end."""

from aioscrapy.exceptions import SettingError
from aioscrapy.settings import Settings

PROCESS_LIMIT = 256


def process_count(settings: Settings) -> int:
    """Return CRAWL_PROCESSES.

    Raises:
        SettingError: it is not between 1 and 256.
    """
    count = settings.getint("CRAWL_PROCESSES")
    if not 1 <= count <= PROCESS_LIMIT:
        raise SettingError("CRAWL_PROCESSES", f"{count} is not between 1 and {PROCESS_LIMIT}")
    return count
