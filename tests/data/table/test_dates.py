"""Formats of dates, against `strptime` of Python."""

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.dates import FORMATS, date_formats, parse_dates

MOMENTS = [datetime.datetime(2021, 1, 31, 13, 45, 59), datetime.datetime(1999, 12, 5, 0, 0, 1)]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "ISO8601"])
def test_every_format_is_found_in_dates_that_it_wrote(form: str) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moments = [moment.replace(tzinfo=zone) for moment in MOMENTS] if "%z" in form else MOMENTS
    words = pd.Series([moment.strftime(form) for moment in moments])
    found = date_formats(words)
    assert found
    for word, moment in zip(words, parse_dates(words, found[0]), strict=True):
        expected = datetime.datetime.strptime(word, form)
        expected = expected.replace(tzinfo=expected.tzinfo or datetime.UTC)
        assert moment == expected


@given(st.lists(st.dates(datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)), min_size=1))
def test_two_formats_are_told_apart_or_both_given(days: list[datetime.date]) -> None:
    """Both fit exactly where no day is over 12; if they then say the same, one is enough."""
    words = pd.Series(sorted({day.strftime("%d/%m/%Y") for day in days}))
    both = all(day.day <= 12 for day in days)
    same = all(day.day == day.month for day in days)
    assert date_formats(words) == ["%d/%m/%Y", *(["%m/%d/%Y"] if both and not same else [])]


@pytest.mark.parametrize(
    "words",
    [["a-1"], ["2020"], ["20200131"], ["31/31/2020"], ["2020-02-30"], ["1.5", "2.5"], ["1-2"]],
)
def test_other_words_are_no_dates(words: list[str]) -> None:
    assert date_formats(pd.Series(words)) == []


def test_moments_are_taken_as_they_are() -> None:
    moments = pd.Series(pd.to_datetime(MOMENTS))
    assert parse_dates(moments, "").equals(moments.dt.tz_localize("UTC"))
