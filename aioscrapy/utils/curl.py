"""Command lines of curl."""

from typing import Any

from aioscrapy.http.curl import request_arguments


def curl_to_request_kwargs(curl_command: str, ignore_unknown_options: bool = True) -> dict[str, Any]:
    """Return the arguments of the Request that a command line of curl means, without what curl would add.

    Raises:
        ValueError: it is not one, or it has an unknown option that is not ignored.
    """
    return request_arguments(curl_command, ignore_unknown_options, with_content_type=False)
