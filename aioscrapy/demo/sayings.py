"""The texts of the demo site: sayings, invented people and tags, combined from the words below."""

from dataclasses import dataclass

_SUBJECTS = (
    "A small lamp",
    "A borrowed ladder",
    "The second cup of tea",
    "A patient gardener",
    "An honest map",
    "The oldest bridge in town",
    "A question asked in time",
    "A well-kept tool",
    "The last page of a notebook",
    "A quiet neighbour",
    "An early train",
    "The shortest road home",
    "A letter without an answer",
    "The cook's own dinner",
    "A door left open",
    "A promise made at noon",
    "The slow river",
    "A mended coat",
    "An empty chair",
    "The first snow of the year",
    "A clear sentence",
    "The baker's apprentice",
    "A list with one thing on it",
    "A song half remembered",
    "The view from the cellar",
    "An unhurried walk",
    "A clean desk",
    "The keeper of the keys",
    "A kind word to a clerk",
    "The tenth attempt",
    "A loaf still warm",
    "A wrong turn",
)
_PREDICATES = (
    "teaches more than it promises",
    "never asks what it is worth",
    "is understood by those who wait",
    "does half of tomorrow's work",
    "keeps better company than fame",
    "costs little and lasts the winter",
    "has no need to be loud",
    "is lost on people in a hurry",
    "finds its use when nobody looks",
    "knows the weather before the clouds do",
    "makes a stranger stay for supper",
    "carries further than a shout",
    "turns a house into an address",
    "is the best argument against despair",
    "outlives three clever plans",
    "pays its debts in small coins",
    "has seen the ending and still begins",
    "is heavier on the way back",
    "settles more quarrels than a judge",
    "begins where the manual stops",
    "looks small until you need it",
    "is never the same one twice",
    "forgives the hand that dropped it",
    "wins no prize and misses none",
    "remembers what the meeting forgot",
    "is worth the mud on your shoes",
    "tells the truth by accident",
    "leaves room for one more",
    "will not be improved by a committee",
    "measures the day better than a clock",
    "is halfway to an apology",
)
_FIRST_NAMES = ("Odra", "Tamsin", "Iwo", "Bettany", "Corvin", "Maelys", "Jorund", "Pilar")
_LAST_NAMES = ("Quillfeather", "Ashgrove", "Penhallow", "Varga-Lund")
_TOWNS = ("Lower Wick", "Harrowmere", "Sankt Odo", "Little Brack", "Quayside", "Upper Thornley", "Velm")
_TRADES = ("lighthouse keeper", "bookbinder", "ferrywoman", "clockmaker", "beekeeper", "map maker", "baker")
TAGS = (
    "patience",
    "home",
    "work",
    "weather",
    "friendship",
    "truth",
    "winter",
    "bread",
    "travel",
    "silence",
    "neighbours",
    "beginnings",
)
MOST_SAYINGS = len(_SUBJECTS) * len(_PREDICATES)


@dataclass(frozen=True, slots=True)
class Author:
    """An invented person."""

    slug: str
    name: str
    born: int
    town: str
    trade: str


@dataclass(frozen=True, slots=True)
class Saying:
    """One saying; `number` starts at 1."""

    number: int
    text: str
    author: Author
    tags: tuple[str, ...]


def authors() -> list[Author]:
    """Return the thirty-two authors, always the same."""
    people = []
    for number in range(len(_FIRST_NAMES) * len(_LAST_NAMES)):
        name = f"{_FIRST_NAMES[number % 8]} {_LAST_NAMES[number // 8]}"
        born = 1801 + number * 37 % 180
        slug = name.lower().replace(" ", "-")
        people.append(Author(slug, name, born, _TOWNS[number * 3 % 7], _TRADES[number * 5 % 7]))
    return people


def sayings(count: int) -> list[Saying]:
    """Return the first `count` sayings (at most MOST_SAYINGS): all different, always the same."""
    people = authors()
    texts = []
    for number in range(1, min(count, MOST_SAYINGS) + 1):
        # 32 and 31 have no common factor, so every pair comes once before one comes again
        text = f"{_SUBJECTS[number % 32]} {_PREDICATES[number % 31]}."
        tags = dict.fromkeys(TAGS[number * step % len(TAGS)] for step in (1, 5, 7))
        texts.append(Saying(number, text, people[number * 11 % len(people)], tuple(tags)))
    return texts
