"""The languages of the pages. The keys of a catalogue are the English texts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Language -> its name in itself.
NAMES = {"en": "English", "zh": "中文"}
DEFAULT = "en"
FOLDER = Path(__file__).with_name("locale")


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        code: as `lang` of HTML has it.
        texts: English text -> text; {} for English.
    """

    code: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str, /, **values: object) -> str:
        """Return the text in this language, with the values in place of the {names}."""
        own = self.texts.get(text, text)
        return own.format(**values) if values else own

    def count(self, number: int, one: str, many: str, /, **values: object) -> str:
        """Return `one` or `many`, whichever the number needs, with {number} and the values put in."""
        return self(one if number == 1 else many, number=f"{number:,}", **values)


def languages() -> dict[str, Language]:
    """Return code -> language; reads all files of FOLDER/CODE."""
    return {code: Language(code, _texts(FOLDER / code)) for code in NAMES}


def preferred(header: str) -> str:
    """Return the language of ours that an Accept-Language header likes best.

    Source: RFC 9110, section 12.5.4.
    """
    best, weight = DEFAULT, 0.0
    for part in header.split(","):
        tag, _, parameter = part.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if code in NAMES and weight < quality <= 1.0:
            best, weight = code, quality
    return best


def _texts(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        texts |= json.loads(path.read_text("utf-8"))
    return texts
