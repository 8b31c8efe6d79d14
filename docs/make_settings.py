"""Make docs/settings.md from the comments in default_settings.py: python docs/make_settings.py."""

import ast
import io
import tokenize
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "aioscrapy" / "default_settings.py"
TARGET = Path(__file__).with_name("settings.md")
LONGEST_DEFAULT = 70  # characters that a default may take in the table

_HEAD = """# Settings

Made from the comments in `aioscrapy/default_settings.py`, where each setting has its one default. A project
sets them in its settings module, a spider in `custom_settings`, the command line by `-s NAME=VALUE`; the last
of these wins.
On the command line lists are written `a,b` or as JSON, dicts as JSON.
"""


def settings(text: str) -> list[tuple[str, str, str, str]]:
    """Return (section, name, default, meaning) of every setting, in the order of the file."""
    comments = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            default = ast.unparse(node.value)
            if len(default) > LONGEST_DEFAULT:
                default = "see `aioscrapy/default_settings.py`"
            else:
                default = f"`{default}`"
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            meaning = " ".join(comments[line] for line in lines if line in comments)
            section = next(
                comments[line].removeprefix("-- ")
                for line in range(node.lineno, 0, -1)
                if comments.get(line, "").startswith("-- ")
            )
            found.append((section, ast.unparse(target), default, meaning))
    return found


def page(text: str) -> str:
    """Return the whole page."""
    parts, section = [_HEAD], None
    for group, name, default, meaning in settings(text):
        if group != section:
            section = group
            parts.append(f"\n## {group}\n\n| setting | default | meaning |\n|---|---|---|\n")
        cells = (cell.replace("|", "\\|") for cell in (f"`{name}`", default, meaning))
        parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(SOURCE.read_text("utf-8")), "utf-8")
