"""The serializer that the settings choose."""

from aioscrapy.components import load_object
from aioscrapy.exceptions import SettingError
from aioscrapy.log import logger
from aioscrapy.serializer import PickleSerializer, Serializer
from aioscrapy.settings import PRIORITIES, Settings


def serializer_of(settings: Settings) -> Serializer:
    """Make the serializer of SCHEDULER_SERIALIZER; warn if a user has chosen pickle.

    Raises:
        SettingError: it can't be loaded or made.
    """
    name = "SCHEDULER_SERIALIZER"
    loaded = load_object(settings[name], name)
    try:
        serializer: Serializer = loaded() if isinstance(loaded, type) else loaded
    except Exception as exc:
        raise SettingError(name, f"{settings[name]} can't be made: {type(exc).__name__}: {exc}") from exc
    # A pool of workers sets pickle above the user's layers, for a Redis that no other program reaches.
    if (
        isinstance(serializer, PickleSerializer)
        and (settings.getpriority(name) or 0) <= PRIORITIES["cmdline"]
    ):
        logger.warning(
            "PickleSerializer: any program that writes to the queue can run code in this process; "
            "use JsonSerializer unless only this crawl reaches the queue"
        )
    return serializer
