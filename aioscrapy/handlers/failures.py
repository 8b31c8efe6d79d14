"""Which error of ours a client's error is, by its text: some libraries have no classes for the reasons."""

from aioscrapy.exceptions import DownloadError, DownloadFailedError


def class_by_text(text: str, classes: dict[str, type[DownloadError]]) -> type[DownloadError]:
    """Return the class of the first key that is in the text; DownloadFailedError if none is."""
    return next((cls for part, cls in classes.items() if part in text), DownloadFailedError)
