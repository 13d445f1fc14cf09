"""Reads a logger of IEC 62056-21 by R6: all of it, the rows of some time, or the newest.

R6 takes `start;end;records in a block`, each of which may be left out, but an end needs a start (IEC 1107 description
8.1.5). What that cannot say is done here:
- The bounds wanted are the meter's own time, NYYMMDDhhmmss without its N, the mark of daylight saving time, which only
  the meter knows. So each is asked for with the N that gives more rows, and the stamps of the rows, which are its own
  time as well, decide.
- The newest rows are looked for in the last hours of the meter's clock, then in 64 times as many, until there
  are enough of them; in the end the whole logger is read. Newest is what has the latest stamps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from .errors import RequestRefused
from .iec_client import IecClient
from .iec_data import LoggerRows, logger_rows
from .reading import Selection

_CLOCK: Final = "1.0.0"
_STAMP: Final = "%y%m%d%H%M%S"
_FIRST: Final = datetime(2000, 1, 1)
_LAST: Final = datetime(2099, 12, 31, 23, 59, 59)
_WIDER: Final = 64
_RECORDS: Final = 50
"""In a block: few round trips, and no block that takes minutes at 300 baud."""


def check_selection(selection: Selection) -> None:
    """Raises `ValueError` where R6 has no words for it."""
    for moment in (selection.begin, selection.end):
        if moment is not None and moment.tzinfo is not None:
            raise ValueError(
                f"{moment.isoformat()}: IEC 62056-21 has no time zones; give the meter's own time without one"
            )
        if moment is not None and not _FIRST <= moment <= _LAST:
            raise ValueError(f"{moment.isoformat()}: IEC 62056-21 has two digits for the years 2000 to 2099")


def read_logger(client: IecClient, address: str, selection: Selection) -> LoggerRows:
    """The rows wanted, the oldest first; programming mode is open. Raises `RequestRefused` and `ProtocolFault`."""
    if selection.last is not None:
        return _newest(client, address, selection.last)
    return _between(client, address, selection.begin, selection.end)


def _between(client: IecClient, address: str, begin: datetime | None, end: datetime | None) -> LoggerRows:
    first = "" if begin is None and end is None else f"1{begin or _FIRST:{_STAMP}}"
    last = "" if end is None else f"0{end:{_STAMP}}"
    found = logger_rows(client.read("R6", address, f"{first};{last};{_RECORDS}"), address)
    if not first or [column.text for column in found.columns[:1]] != [_CLOCK]:
        return found
    earliest, latest = f"{begin or _FIRST:{_STAMP}}", f"{end or _LAST:{_STAMP}}"
    return found._replace(rows=[row for row in found.rows if earliest <= row[0][2:] <= latest])


def _newest(client: IecClient, address: str, count: int) -> LoggerRows:
    clock = _clock(client)
    span = timedelta(hours=count)
    while clock is not None and span < clock - _FIRST:
        found = _between(client, address, clock - span, None)
        if len(found.rows) >= count:
            return found._replace(rows=found.rows[-count:])
        span *= _WIDER
    found = _between(client, address, None, None)
    return found._replace(rows=found.rows[-count:])


def _clock(client: IecClient) -> datetime | None:
    """What the meter takes the time to be; `None` where it does not say."""
    try:
        (value,) = client.read_sets("R5", _CLOCK)[0].values
        return datetime.strptime(value.text[2:], _STAMP)
    except (RequestRefused, ValueError, IndexError):
        return None
