"""The types of settings: `default_settings.py` declares them, `Settings.check` applies them."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Annotated, Any

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", "none", ""}

_LONGEST = 2000  # characters of a text, such as a User-Agent
_LONGEST_NAME = 255  # characters of a file or folder, the limit of most file systems
_SHOWN = 80  # characters of a wrong value that a message repeats


class SettingType:
    """What a setting may be.

    Attributes:
        allowed: the values in words; completes "the value is not …" and is the type in docs/settings.md.
        unset_by_none: None is not a value; it leaves the default.
    """

    def __init__(self, allowed: str, *, optional: bool = False) -> None:
        self.allowed = f"{allowed}, or None" if optional else allowed
        self._optional = optional
        self.unset_by_none = not optional

    def check(self, value: Any) -> None:
        """Accept a value, or the text of a command line that means it.

        Raises:
            ValueError: the value can't be used; the text is one line for a person.
        """
        if value is None and self._optional:
            return
        try:
            accepted = self.accepts(value)
        except (TypeError, LookupError, ArithmeticError):
            accepted = False
        if not accepted:
            raise ValueError(f"{readable(value)} is not {self.allowed}")

    def accepts(self, value: Any) -> bool:
        """Return False, or raise, if the value can't be used.

        Raises:
            ValueError: the text is one line for a person.
        """
        raise NotImplementedError


class Boolean(SettingType):
    """True or False; 1, 0 and the words of a command line."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__("true or false", optional=optional)

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str):
            return value.strip().lower() in TRUE | FALSE
        return isinstance(value, int) and value in {0, 1}


class Number(SettingType):
    """A finite number between two bounds; `unit` is for people."""

    noun = "number"

    def __init__(self, least: float, most: float, unit: str = "", *, optional: bool = False) -> None:
        noun = f"{self.noun} of {unit}" if unit else self.noun
        super().__init__(f"a {noun} from {_digits(least)} to {_digits(most)}", optional=optional)
        self._least, self._most = least, most

    def accepts(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return False
        try:
            number = self.read(value)
        except ValueError:
            return False
        return self._least <= number <= self._most  # False for NaN, too

    def read(self, value: float | str) -> float:
        """Return the number that the value means."""
        return float(value)


class Whole(Number):
    """A whole number between two bounds."""

    noun = "whole number"

    def read(self, value: float | str) -> float:
        number = int(value)
        return number if isinstance(value, str) or value == number else float("nan")


class Text(SettingType):
    """A text in one line that UTF-8 can encode; an object of the classes `also` too."""

    def __init__(self, *, optional: bool = False, empty: bool = False, also: tuple[type, ...] = ()) -> None:
        super().__init__(f"a text in one line{'' if empty else ', not empty'}", optional=optional)
        self._empty, self._also = empty, also

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, str):
            return isinstance(value, self._also)
        return len(value) <= _LONGEST and (self._empty or value != "") and _is_one_line(value)


class FilePath(SettingType):
    """A path as a text or a path object; None and "" stand for no file."""

    def __init__(self) -> None:
        super().__init__("a path", optional=True)

    def accepts(self, value: Any) -> bool:
        path = os.fspath(value)
        return (
            isinstance(path, str) and _is_one_line(path) and max(map(len, path.split("/"))) <= _LONGEST_NAME
        )


class Encoding(SettingType):
    """The name of a character encoding that Python knows."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__("the name of a character encoding", optional=optional)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and "\0" not in value and "".encode(value) is not None


class Choice(SettingType):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        super().__init__(" or ".join(repr(word) for word in words))
        self._words = words

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self._words


class LogLevel(SettingType):
    """A level of the log, by its name or its number."""

    def __init__(self) -> None:
        super().__init__("DEBUG, INFO, WARNING, ERROR, CRITICAL, or a number from 0 to 100")

    def accepts(self, value: Any) -> bool:
        import logging

        if isinstance(value, str):
            return value.upper() in logging.getLevelNamesMapping()
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


class LogForm(SettingType):
    """The form of a log line, with the placeholders of `logging`."""

    def __init__(self) -> None:
        super().__init__("a form of log lines with placeholders of logging, such as %(message)s")

    def accepts(self, value: Any) -> bool:
        import logging

        record = logging.LogRecord("name", logging.INFO, "file", 1, "message", None, None)
        try:
            return isinstance(value, str) and bool(logging.Formatter(value).format(record))
        except ValueError:
            return False


class Component(SettingType):
    """A class by its dotted path, or the class itself; `needs` are the attributes that it must have."""

    def __init__(self, *needs: str, optional: bool = False) -> None:
        super().__init__("the dotted path of a class", optional=optional)
        self.unset_by_none = False  # a None for a class is meant: it asks for what can't be switched off
        self._needs = needs

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str):
            return "." in value and all(part.isidentifier() for part in value.split("."))
        return callable(value)

    def missing(self, loaded: Any) -> str:
        """Return the first of `needs` that a loaded class lacks; "" if it has all."""
        return next((name for name in self._needs if not hasattr(loaded, name)), "")


class Many(SettingType):
    """A list of elements of one type; on a command line `a,b` or JSON. None is the empty list."""

    def __init__(self, of: SettingType) -> None:
        super().__init__(f"a list, each element {of.allowed}")
        self._of = of

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str):
            value = _from_json(value, list) if value.lstrip().startswith("[") else _split(value)
        if isinstance(value, (bytes, bytearray)) or not isinstance(value, (Sequence, Set, type(None))):
            return False
        for element in value or ():
            self._of.check(element)
        return True


class Table(SettingType):
    """A dict; on a command line JSON. None is the empty dict. No message repeats a value: it may be secret.

    Args:
        key: what a key is, in words.
        value: what a value is, in words.
        types: the classes that a value may have.
        keys: the classes that a key may have.
    """

    def __init__(self, key: str, value: str, *types: type, keys: tuple[type, ...] = (str,)) -> None:
        super().__init__(f"a dict: {key} -> {value}")
        self._key = key
        self._keys = keys
        self._value = value
        self._types = types

    def check(self, value: Any) -> None:
        if isinstance(value, str):
            value = _from_json(value, dict)
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"a value of type {type(value).__name__} is not {self.allowed}")
        for key, element in (value or {}).items():
            if not isinstance(key, self._keys):
                raise ValueError(f"the key {readable(key)} is not a {self._key}")
            if not self.accepts_pair(key, element):
                raise ValueError(f"the value of {readable(key)} is not {self._value}")

    def accepts_pair(self, key: Any, value: Any) -> bool:
        """Return False if the value can't be used for this key."""
        return isinstance(value, self._types)


class Either(SettingType):
    """A list or a dict: a mapping or JSON of one is a dict."""

    def __init__(self, many: Many, table: Table) -> None:
        super().__init__(f"{many.allowed}; or {table.allowed}", optional=True)
        self._many, self._table = many, table

    def accepts(self, value: Any) -> bool:
        is_table = value.lstrip().startswith("{") if isinstance(value, str) else isinstance(value, Mapping)
        (self._table if is_table else self._many).check(value)
        return True


class Rules(SettingType):
    """True for all, or a dict with the lists "include" and "exclude" of parts of names."""

    def __init__(self) -> None:
        super().__init__('true, false, or {"include": [parts of names], "exclude": [...]}', optional=True)

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = _from_json(value, dict)
        if not isinstance(value, Mapping):
            return Boolean().accepts(value)
        return set(value) <= {"include", "exclude"} and all(map(Many(Text()).accepts, value.values()))


class Orders(Table):
    """Components with their places in a chain."""

    def __init__(self) -> None:
        value = "an order: a number, or None to remove the class"
        super().__init__("class", value, int, float, type(None), keys=(object,))
        self._component = Component()

    def accepts_pair(self, key: Any, value: Any) -> bool:
        self._component.check(key)
        return value is None or (
            super().accepts_pair(key, value) and not isinstance(value, bool) and abs(value) < 1e18
        )


def readable(value: Any) -> str:
    """Return a value as a message repeats it: one line, not long, without control characters."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 a repr() of the user's own class must not hide the message
        text = f"a value of type {type(value).__name__}"
    text = "".join(character if character.isprintable() else "?" for character in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _split(text: str) -> Iterable[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _from_json(text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"not valid JSON: {exc}") from None
    if not isinstance(value, kind):
        raise ValueError(f"JSON of type {type(value).__name__}, not {kind.__name__}")
    return value


def _is_one_line(text: str) -> bool:
    return text.isprintable() or not any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text)


def _digits(number: float) -> str:
    return f"{number:.10g}" if abs(number) < 1e6 else f"{number:.2g}".replace("e+0", "e").replace("e+", "e")


Flag = Annotated[bool, Boolean()]
Count = Annotated[int, Whole(0, 1e9)]
Seconds = Annotated[float, Number(0, 1e9, "seconds")]  # 31 years: timers and Redis take no endless numbers
Bytes = Annotated[int, Whole(0, 1e15, "bytes")]
Priority = Annotated[int, Whole(-1e6, 1e6)]
Name = Annotated[str, Text()]
Names = Annotated[list[str], Many(Text())]
Statuses = Annotated[list[int], Many(Whole(100, 999))]
OptionalText = Annotated[str | None, Text(optional=True, empty=True)]
OptionalPath = Annotated[str | None, FilePath()]
PartsOfNames = Annotated[bool | dict[str, list[str]] | None, Rules()]
ComponentOrders = Annotated[dict[str, int | None], Orders()]
Handlers = Annotated[dict[str, str | None], Table("URL scheme", "a class, or None", str, type, type(None))]
