"""The code blocks of documentation pages."""

from pathlib import Path

from support import REPOSITORY

DOCS = REPOSITORY / "docs"


def code_blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of this language ("" for none), in their order."""
    blocks: list[str] = []
    fence: str | None = None
    for line in page.read_text("utf-8").splitlines(keepends=True):
        if line.startswith("```"):
            fence = line[3:].strip() if fence is None else None
            if fence == language:
                blocks.append("")
        elif fence == language:
            blocks[-1] += line
    return blocks
