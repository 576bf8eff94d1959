"""Values of files that have types, as the text of a cell."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal

import msgspec


def text_of(value: object) -> str:
    """Return a value as text.

    A whole number has no exponent and no point, so phones and ids keep their digits. Dates and
    times are in ISO 8601, durations are hours, minutes and seconds, lists and mappings are JSON,
    and None and NaN are empty.
    """
    if value is None or value != value:  # as NaN does
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        whole = value.to_integral_value()
        return f"{whole if whole == value else value:f}"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, list | dict):
        return msgspec.json.encode(value, enc_hook=text_of).decode()
    return str(value)
