"""The pages of the demo site as HTML; all can be reached from `/`."""

from collections.abc import Iterable
from html import escape

from aioscrapy.demo.sayings import MOST_SAYINGS, TAGS, Author, Saying, authors, sayings

PER_PAGE = 10
_STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "nav a,.tags a{margin-right:.7rem}"
    "blockquote{margin:1.2rem 0;padding-left:1rem;border-left:3px solid #b85}"
    "small{color:#666}"
)


def site_pages(count: int) -> dict[str, bytes]:
    """Return about `count` pages: path -> HTML in UTF-8.

    There are lists of ten quotes, and one page per quote, author and tag: at least 80 and at most 1,136
    pages.
    """
    fixed = len(TAGS) + len(authors())
    # ten quotes have eleven pages: their own and the list
    quote_count = max(len(authors()), min(MOST_SAYINGS, (count - fixed) * PER_PAGE // (PER_PAGE + 1)))
    quotes = sayings(quote_count)
    pages: dict[str, bytes] = {}
    chunks = [quotes[start : start + PER_PAGE] for start in range(0, quote_count, PER_PAGE)]
    for number, chunk in enumerate(chunks, start=1):
        pages[_list_path(number)] = _list_page(number, chunk, last=number == len(chunks))
    for quote in quotes:
        pages[_quote_path(quote)] = _quote_page(quote, quotes)
    for author in authors():
        pages[_author_path(author)] = _author_page(
            author, [quote for quote in quotes if quote.author == author]
        )
    for tag in TAGS:
        pages[_tag_path(tag)] = _tag_page(tag, [quote for quote in quotes if tag in quote.tags])
    return pages


def _list_path(number: int) -> str:
    return "/" if number == 1 else f"/page/{number}/"


def _quote_path(quote: Saying) -> str:
    return f"/quote/{quote.number}/"


def _author_path(author: Author) -> str:
    return f"/author/{author.slug}/"


def _tag_path(tag: str) -> str:
    return f"/tag/{tag}/"


def _list_page(number: int, quotes: list[Saying], last: bool) -> bytes:
    turn = [] if number == 1 else [f'<a class="previous" href="{_list_path(number - 1)}">previous</a>']
    if not last:
        turn.append(f'<a class="next" href="{_list_path(number + 1)}">next</a>')
    tags = "".join(f'<a href="{_tag_path(tag)}">{tag}</a>' for tag in TAGS)
    body = f'{_listed(quotes)}<nav>{" ".join(turn)}</nav><p class="tags">{tags}</p>'
    return _page(f"Quotes, page {number}", body)


def _quote_page(quote: Saying, quotes: list[Saying]) -> bytes:
    following = quotes[quote.number % len(quotes)]
    author = quote.author
    tags = "".join(f'<a class="tag" href="{_tag_path(tag)}">{tag}</a>' for tag in quote.tags)
    return _page(
        f"Quote {quote.number}",
        f'<blockquote class="quote">{escape(quote.text)}</blockquote>'
        f'<p>by <a class="author" href="{_author_path(author)}">{escape(author.name)}</a></p>'
        f'<p class="tags">{tags}</p><nav><a href="{_quote_path(following)}">another one</a></nav>',
    )


def _author_page(author: Author, quotes: list[Saying]) -> bytes:
    return _page(
        author.name,
        f'<p>Born in <span class="born">{author.born}</span> in <span class="town">{author.town}</span>, '
        f'a <span class="trade">{author.trade}</span> by trade, and invented for this page.</p>'
        f"{_listed(quotes[:PER_PAGE])}",
    )


def _tag_page(tag: str, quotes: list[Saying]) -> bytes:
    return _page(f"About {tag}", _listed(quotes[:PER_PAGE]))


def _listed(quotes: Iterable[Saying]) -> str:
    return "".join(
        f'<blockquote><a class="quote" href="{_quote_path(quote)}">{escape(quote.text)}</a><br>'
        f'<small><a class="author" href="{_author_path(quote.author)}">{escape(quote.author.name)}</a>'
        "</small></blockquote>"
        for quote in quotes
    )


def _page(title: str, body: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style></head>\n<body><nav><a href="/">All quotes</a></nav>'
        f"<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    ).encode()
