"""Timestamps of any precision and zone: compared as instants, shown as datetimes, sent as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import timestamps
from heymarket_async.timestamps import earlier, later, seconds_between

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A timestamp as a server may write it, and its instant in exact seconds."""
    moment = draw(st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)))  # noqa: DTZ001 - the zone is drawn too
    minutes = draw(st.sampled_from([None, 0, -0, 60, -300, 330, -570, 840]))
    digits = draw(st.text("0123456789", max_size=12))
    zone = draw(st.sampled_from("Zz")) if minutes is None else zone_text(minutes)
    separator = draw(st.sampled_from("Tt "))
    fraction = f".{digits}" if digits else ""
    whole = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes or 0)))
    exact = Fraction(round((whole - EPOCH).total_seconds())) + Fraction(f"0.{digits or 0}")
    return f"{whole:%Y-%m-%d}{separator}{whole:%H:%M:%S}{fraction}{zone}", exact


def zone_text(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@given(texts(), texts())
def test_keys_compare_as_their_instants_do(one, other):
    key, other_key = timestamps.instant(one[0]), timestamps.instant(other[0])

    assert (key < other_key) is (one[1] < other[1])
    assert (key == other_key) is (one[1] == other[1])


@given(st.lists(texts().map(lambda each: each[0]), max_size=5))
def test_keys_of_many_are_the_keys_of_each(many):
    assert timestamps.instants(many) == [timestamps.instant(each) for each in many]


@pytest.mark.parametrize("text", ["2026-04-12 15:30:00Z", "2026-04-12T15:30:00z"])
def test_keys_of_many_that_are_as_long_as_the_most_common_form(text):
    assert timestamps.instants([text, text]) == ["2026-04-12T15:30:00Z"] * 2


@pytest.mark.parametrize(
    "many",
    [
        ["2026-04-12T15:30:00Z\n2026-04-12T15:30:00Z", "2026-04-12T15", "30:00Z"],
        ["2026-04-12T15:30:00Z0", "026-04-12T15:30:00Z"],
        ["2026-04-12T15:30:00.5Z\n.5Z", "2026-04-12T15:30:00"],
    ],
)
def test_keys_of_many_are_not_made_of_texts_that_only_look_right_together(many):
    with pytest.raises(ValueError, match="RFC 3339"):
        timestamps.instants(many)


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        ("2026-01-31T00:00:00Z", True),
        ("2028-02-29T00:00:00Z", True),
        ("2026-10-09T00:00:00Z", True),
        ("2026-02-29T00:00:00Z", False),
        ("2026-02-30T00:00:00Z", False),
        ("2026-04-31T00:00:00Z", False),
        ("2026-04-32T00:00:00Z", False),
        ("2026-04-00T00:00:00Z", False),
        ("2026-00-12T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False),
        ("2026-19-01T00:00:00Z", False),
        ("2026-04-12T24:00:00Z", False),
        ("2026-06-30T23:59:60Z", False),
        ("0000-04-12T00:00:00Z", False),
        ("0001-04-12T00:00:00Z", False),
    ],
)
@pytest.mark.parametrize("fraction", ["", ".25", ".50"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_keys_of_many_are_only_made_of_times_that_the_calendar_has(text, is_time, place, fraction):
    many = ["2026-09-12T15:30:00Z", "2026-12-28T23:59:59Z"]
    many.insert(place, text)
    many = [each.replace("Z", f"{fraction}Z") for each in many]

    assert timestamps.is_time(many[place]) is is_time
    if is_time:
        assert timestamps.instants(many) == [timestamps.instant(each) for each in many]
    else:
        with pytest.raises(ValueError, match=r"time|range|must be in"):
            timestamps.instants(many)


@given(texts())
def test_a_datetime_is_cut_to_microseconds_and_never_rounded_up(text):
    shown = timestamps.parse(text[0])

    exact = Fraction((shown - EPOCH) // timedelta(microseconds=1), 1_000_000)
    assert exact <= text[1] < exact + Fraction(1, 1_000_000)
    assert shown.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2026-04-12T15:30:00Z", "2026-04-12T15:30:00Z"),
        ("2026-04-12T15:30:00.000Z", "2026-04-12T15:30:00Z"),
        ("2026-04-12T15:30:00.500Z", "2026-04-12T15:30:00Z.5"),
        ("2026-04-12T15:30:00.123456789Z", "2026-04-12T15:30:00Z.123456789"),
        ("2026-04-12T17:30:00+02:00", "2026-04-12T15:30:00Z"),
        ("2026-01-01T00:30:00.250+01:00", "2025-12-31T23:30:00Z.25"),
        ("2022-01-01T00:00:00+00:00", "2022-01-01T00:00:00Z"),
    ],
)
def test_the_key_of_a_timestamp(text, key):
    assert timestamps.instant(text) == key


NOT_TIMESTAMPS = [
    "",
    "now",
    "2026-04-12",
    "2026-04-12T15:30:00",
    "2026-04-12T15:30Z",
    "2026-04-12T15:30:00+0200",
    "2026-04-12T15:30:00Z ",
    "1775999999",
    "٢٠٢٦-04-12T15:30:00Z",
    "2026-13-12T15:30:00Z",
    "2026-04-12T25:30:00.5Z",
]


@pytest.mark.parametrize("text", NOT_TIMESTAMPS)
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        timestamps.parse(text)
    with pytest.raises(ValueError, match="since must be an RFC 3339 timestamp with a zone"):
        timestamps.to_text("since", text)


@given(texts())
def test_text_goes_out_to_the_letter(text):
    assert timestamps.to_text("date", text[0]) == text[0]


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=-7)))))
def test_a_datetime_goes_out_in_utc(moment):
    try:
        text = timestamps.to_text("date", moment)
    except ValueError:
        assert moment.year == 9999
        return

    assert text.endswith("Z")
    assert timestamps.parse(text) == moment


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_beyond_all_years_is_refused(text):
    for call in (timestamps.instant, timestamps.parse):
        with pytest.raises(ValueError, match="not a time between the years 1 and 9999"):
            call(text)
    with pytest.raises(ValueError, match="date must be"):
        timestamps.to_text("date", text)


def test_a_naive_datetime_is_refused():
    with pytest.raises(ValueError, match="date must be an aware datetime: give it a tzinfo"):
        timestamps.to_text("date", datetime(2026, 4, 12))  # noqa: DTZ001 - that is the point


def test_earlier_and_later_are_whole_seconds_within_the_calendar():
    assert earlier("2026-04-12T13:00:00Z.75", 60) == "2026-04-12T12:59:00Z"
    assert later("2026-04-12T13:00:00Z.75", 0.5) == "2026-04-12T13:00:00Z"
    assert earlier("0001-01-01T00:00:30Z", 60) == "0001-01-01T00:00:00Z"
    assert earlier("9999-12-31T23:59:59Z", -60) == "9999-12-31T23:59:59Z"


def test_seconds_between_instants_may_be_negative():
    noon, one = "2026-04-12T12:00:00Z", "2026-04-12T13:00:00Z.5"
    assert (seconds_between(noon, one), seconds_between(one, noon)) == (3600, -3600)


def test_a_month_that_the_calendar_does_not_have_is_no_error():
    assert seconds_between("2026-13-45T00:00:00Z", "2026-01-01T00:00:00Z") > 1
    assert later("2026-13-45T00:00:00Z", 1.0) == "0001-01-01T00:00:01Z"
