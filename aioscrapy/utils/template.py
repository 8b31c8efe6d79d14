"""Files with $NAME in them."""

import re
import string
from os import PathLike
from pathlib import Path
from typing import Any

_NOT_A_NAME = re.compile(r"[^a-zA-Z\d]")


def render_templatefile(path: str | PathLike[str], **kwargs: Any) -> None:
    """Replace a file by its text with the values of $NAME; a file *.tmpl loses that ending."""
    source = Path(path)
    text = string.Template(source.read_text("utf-8")).substitute(**kwargs)
    target = source.with_suffix("") if source.suffix == ".tmpl" else source
    if target != source:
        source.rename(target)
    target.write_text(text, "utf-8")


def string_camelcase(string: str) -> str:
    """Return a text as CamelCase, without other characters than letters and digits."""
    return _NOT_A_NAME.sub("", string.title())
