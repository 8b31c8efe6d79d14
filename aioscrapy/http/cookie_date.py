"""Dates in cookies, in the forms that browsers accept (RFC 6265, 5.1.1)."""

import calendar
import re

_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_date_tokens = re.compile(r"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+").findall
_time = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])").match
_day = re.compile(r"([0-9]{1,2})(?![0-9])").match
_year = re.compile(r"([0-9]{2,4})(?![0-9])").match


def parse_cookie_date(text: str) -> float | None:
    """Return the seconds since 1970 of a date in a form of RFC 6265, 5.1.1; None if it is not a date."""
    clock = day = month = year = None
    for token in _date_tokens(text):
        if clock is None and (match := _time(token)):
            clock = tuple(map(int, match.groups()))
        elif day is None and (match := _day(token)):
            day = int(match[1])
        elif month is None and token[:3].title() in _MONTHS:
            month = _MONTHS[token[:3].title()]
        elif year is None and (match := _year(token)):
            year = int(match[1])
    if clock is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    hour, minute, second = clock
    if not 1 <= day <= 31 or year < 1601 or hour > 23 or minute > 59 or second > 59:
        return None
    if day > calendar.monthrange(year, month)[1]:
        return None
    return float(calendar.timegm((year, month, day, hour, minute, second)))
