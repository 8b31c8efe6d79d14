"""`application` of scrapyd.conf: a node."""

from typing import Any


def application(config: Any) -> Any:
    """Return the Twisted application of a node.

    Args:
        config: Scrapyd's `Config`. Parts of ours replace those of Scrapyd that it names.

    Raises:
        scrapyd.exceptions.ConfigError: the node can't start like this; Scrapyd prints the text and exits.
    """
    # Here: some modules of Scrapyd install a reactor when they are imported.
    from aioscrapy_scrapyd.parts import build

    return build(config)
