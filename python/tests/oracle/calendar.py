"""Periods in the reporting time zone: half-open, weeks from Monday, quarters and years by the fiscal year."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

WALL_TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::[0-5]\d)?")
GRAINS = ("day", "week", "month", "quarter", "year", "all")
ALL_TIME = date(1900, 1, 1)


def utc_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """A naive wall-clock moment in `zone` as naive UTC; the first of two, and the moment after a gap."""
    return wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


class Calendar:
    """Moments (naive UTC) to local time and periods, and periods to moments."""

    def __init__(self, zone: str, fiscal_start: int, as_of: pd.Timestamp) -> None:
        """`fiscal_start` is the month 1..12 in which the year begins."""
        self.zone_name = zone
        self.zone = ZoneInfo(zone)
        self.fiscal_start = fiscal_start
        self.as_of = as_of
        self._instants: dict[date, pd.Timestamp] = {}

    def local(self, moments: pd.Series[Any]) -> pd.Series[Any]:
        """Wall-clock time of each moment."""
        if self.zone_name == "UTC":
            return moments
        local: pd.Series[Any] = moments.dt.tz_localize("UTC").dt.tz_convert(self.zone).dt.tz_localize(None)
        return local

    def instant(self, day: date) -> pd.Timestamp:
        """The first moment of a local day."""
        if day not in self._instants:
            wall = datetime(day.year, day.month, day.day)
            self._instants[day] = pd.Timestamp(utc_of(wall, self.zone))
        return self._instants[day]

    def instants(self, days: pd.Series[Any]) -> pd.Series[Any]:
        """The first moment of each local day; a day that is not known stays so."""
        known = {d: np.datetime64(self.instant(pd.Timestamp(d).date()), "us") for d in days.dropna().unique()}
        nothing = np.datetime64("NaT", "us")
        return pd.Series(np.array([known.get(d, nothing) for d in days], dtype="datetime64[us]"), index=days.index)

    def start(self, day: date, grain: str) -> date:
        """First day of the period that `day` is in."""
        if grain == "day":
            return day
        if grain == "week":
            return day - timedelta(days=day.weekday())
        if grain == "month":
            return day.replace(day=1)
        if grain == "all":
            return ALL_TIME
        months = 3 if grain == "quarter" else 12
        back = (day.month - self.fiscal_start) % months
        return self.add_months(day.replace(day=1), -back)

    def next(self, start: date, grain: str) -> date:
        """First day of the period after the one that begins on `start` (not for grain all)."""
        if grain in ("day", "week"):
            return start + timedelta(days=1 if grain == "day" else 7)
        return self.add_months(start, {"month": 1, "quarter": 3, "year": 12}[grain])

    @staticmethod
    def add_months(first: date, months: int) -> date:
        """The first of a month, `months` later."""
        count = first.year * 12 + first.month - 1 + months
        return date(count // 12, count % 12 + 1, 1)

    def day(self, moment: pd.Timestamp) -> date:
        """The local day of a moment."""
        return moment.tz_localize("UTC").tz_convert(self.zone).date()

    def periods(self, first: pd.Timestamp, last: pd.Timestamp, grain: str) -> list[date]:
        """First days of the periods from the one of `first` to the one of `last`."""
        start, end = self.start(self.day(first), grain), self.day(last)
        if grain == "all":
            return [ALL_TIME]
        found = []
        while start <= end:
            found.append(start)
            start = self.next(start, grain)
        return found

    def end(self, start: date, grain: str) -> pd.Timestamp:
        """The first moment after the period; for grain all the moment after as_of."""
        if grain == "all":
            return self.as_of + pd.Timedelta(microseconds=1)
        return self.instant(self.next(start, grain))


def wall_time(text: str) -> timedelta | None:
    """The time of a clock, from midnight; None where the text is none, 24:00 is a day."""
    match = WALL_TIME.fullmatch(text.strip())
    return timedelta(hours=int(match[1]), minutes=int(match[2])) if match else None


def are_hours(weekday: int, opens_at: str, closes_at: str) -> bool:
    """Whether these can be read as hours of a weekday."""
    opens, closes, day = wall_time(opens_at), wall_time(closes_at), timedelta(days=1)
    return weekday in range(1, 8) and opens is not None and opens < day and closes is not None and closes <= day
