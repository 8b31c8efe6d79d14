"""A link on a page."""


class Link:
    """A link that a link extractor read from a page.

    Attributes:
        url: absolute.
        text: of the element, with that of the elements in it.
        fragment: of the URL; always "" in links of LinkExtractor, which leaves it in `url`.
        nofollow: the `rel` attribute of the element has the word nofollow.
    """

    __slots__ = ("fragment", "nofollow", "text", "url")

    def __init__(self, url: str, text: str = "", fragment: str = "", nofollow: bool = False) -> None:
        if not isinstance(url, str):
            raise TypeError(f"the url of a Link must be str, not {type(url).__name__}")
        self.url = url
        self.text = text
        self.fragment = fragment
        self.nofollow = nofollow

    def _values(self) -> tuple[str, str, str, bool]:
        return self.url, self.text, self.fragment, self.nofollow

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Link) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        url, text, fragment, nofollow = self._values()
        return f"Link(url={url!r}, text={text!r}, fragment={fragment!r}, nofollow={nofollow!r})"
