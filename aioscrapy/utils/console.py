"""Open a Python prompt."""

import code
from typing import Any


def start_python_console(
    namespace: dict[str, Any] | None = None, banner: str = "", shells: Any = None
) -> None:
    """Open Python's prompt with these names; `shells` is without effect."""
    code.interact(banner, local=namespace or {}, exitmsg="")
