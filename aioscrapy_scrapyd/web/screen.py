"""What a screen is: an address, a role, a template, and the function that returns its data."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from aioscrapy_scrapyd.actions import Actions
from aioscrapy_scrapyd.users import Role, User
from aioscrapy_scrapyd.web.activity import Activity
from aioscrapy_scrapyd.web.ended import EndedJobs
from aioscrapy_scrapyd.web.language import Language

Data = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """One request of a browser (or of a program that wants the page as JSON).

    Attributes:
        actions: what can be done with the node.
        activity: what happens on it, in counts per minute.
        ended: the jobs of it that have ended.
        names: the {names} in the path.
        query: name -> values, from the address.
        form: name -> values, from the body of a POST; a file is the bytes of its field.
        user: who asks; None where the node has no users.
        language: of the texts.
        theme: "auto", "light" or "dark".
        message: text, values and badness of what the last change has to say.
        position: the id of the latest event before the data were read.
        prefix: what a proxy puts before all paths; "" for none.
        path: of the request, without the query.
        node_name: the name of the node.
    """

    actions: Actions
    activity: Activity
    ended: EndedJobs
    names: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    form: Mapping[str, Sequence[bytes]]
    user: User | None
    language: Language
    theme: str
    message: tuple[str, Mapping[str, Any], bool] | None
    position: str
    prefix: str
    path: str
    node_name: str

    @property
    def user_name(self) -> str:
        """The name of the user; "" where the node has no users."""
        return self.user.name if self.user is not None else ""

    def may(self, role: Role) -> bool:
        """Return True if the user has this role or a higher one."""
        return self.user is None or self.user.role >= role

    def sees(self, project: str) -> bool:
        """Return True if the user may see the project: a screen about several shows only these."""
        return self.user is None or self.user.may_use(project)

    def ask(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter in the address."""
        return next(reversed(self.query.get(name) or [default]))

    def field(self, name: str, default: str = "") -> str:
        """Return the last value of a field of the form."""
        values = self.form.get(name)
        return values[-1].decode("utf-8", "replace") if values else default

    def fields(self, name: str) -> list[str]:
        """Return all values of a field of the form."""
        return [value.decode("utf-8", "replace") for value in self.form.get(name, [])]

    def upload(self, name: str) -> bytes:
        """Return the bytes of an uploaded file; b"" if there is none."""
        values = self.form.get(name)
        return values[-1] if values else b""


@dataclass(frozen=True)
class Done:
    """A change was made: the browser goes to `address`, which shows the message once.

    Attributes:
        address: a path of the node, with a query if needed.
        message: English text, a key of the catalogues, with {names}.
        values: of the names in the message.
        bad: True if something was refused or failed.
    """

    address: str
    message: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    bad: bool = False


@dataclass(frozen=True)
class Preview:
    """Nothing was changed or refused: the screen of the same path with what the form asked for."""

    data: Data


@dataclass(frozen=True)
class Raw:
    """An answer that is not a page: a download, a stream's first part.

    Attributes:
        kind: the content type.
        parts: the bytes, read in a thread piece by piece; an empty piece gives the thread back for a moment.
        filename: of a download; "" to show it.
    """

    kind: str
    parts: Any
    filename: str = ""


@dataclass(frozen=True)
class Screen:
    """One screen.

    Attributes:
        path: with {names}; its last part is a fixed word, so that PATH.json is the same as JSON.
        show: returns the data, which the template gets as variables and the JSON twin as it is; or a Raw.
        template: a file in templates/; "" if `show` returns Raw only.
        role: that it needs.
        nav: the entry of the navigation that is marked.
        live: kinds of events after which the page fetches itself again; see events.py.
    """

    path: str
    show: Callable[[Visit], Awaitable[Data | Raw]]
    template: str = ""
    role: Role = Role.VIEWER
    nav: str = ""
    live: str = ""


@dataclass(frozen=True)
class Action:
    """One change, by POST of a form that has the field `token`.

    Attributes:
        path: with {names}; it may be that of a screen.
        do: makes the change; the screen of the path renders what it returns as Data, with status 422,
            what it returns as a Preview with status 200.
        role: that it needs.
    """

    path: str
    do: Callable[[Visit], Awaitable[Done | Data | Preview]]
    role: Role


class Table:
    """Screens and actions by their path.

    Raises:
        ValueError: two screens, or two actions, have one path.
    """

    def __init__(self, screens: Sequence[Screen], actions: Sequence[Action]) -> None:
        self.screens = [(_pattern(screen.path), screen) for screen in screens]
        self.actions = [(_pattern(action.path), action) for action in actions]
        for paths in ([screen.path for screen in screens], [action.path for action in actions]):
            if len(set(paths)) < len(paths):
                raise ValueError(f"one path twice: {sorted(paths)}")

    def screen(self, path: str) -> tuple[Screen | None, dict[str, str]]:
        """Return the screen of a (still quoted) path and the names in it."""
        return _first(self.screens, path)

    def action(self, path: str) -> tuple[Action | None, dict[str, str]]:
        """Return the action of a (still quoted) path and the names in it."""
        return _first(self.actions, path)

    def role_of(self, method: str, path: str) -> Role | None:
        """Return the role that a request needs; None if the path is not in the table."""
        if method == "POST":
            action, _ = self.action(path)
            return action.role if action is not None else None
        screen, _ = self.screen(path)
        return screen.role if screen is not None else None

    def label(self, method: str, path: str) -> str:
        """Return the path of the row with its {names}; "" if there is none."""
        row, _ = self.action(path) if method == "POST" else self.screen(path)
        return row.path if row is not None else ""


def address(path: str, /, names: Mapping[str, str] | None = None, **query: Any) -> str:
    """Return the address of a screen: {names} quoted, with a query of the values that are not empty."""
    for name, value in (names or {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    pairs = [(name, value) for name, value in query.items() if value not in (None, "", [])]
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def _pattern(path: str) -> re.Pattern[str]:
    plain = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))
    twin = r"(?:index\.json)?" if path == "/" else r"(?:\.json)?"
    return re.compile(plain + twin)


def _first(rows: Sequence[tuple[re.Pattern[str], Any]], path: str) -> tuple[Any, dict[str, str]]:
    for pattern, row in rows:
        match = pattern.fullmatch(path)
        if match is not None:
            return row, match.groupdict()
    return None, {}
