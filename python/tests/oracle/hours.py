"""Service hours as explicit open intervals in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from .calendar import utc_of, wall_time
from .raw import World, remembered

Moments = npt.NDArray[np.int64]


class Spans:
    """Half-open intervals [start, end) of microseconds since 1970, merged and sorted."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        """Overlapping and touching pairs become one; empty ones go."""
        merged: list[list[int]] = []
        for start, end in sorted(p for p in pairs if p[1] > p[0]):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        self.starts: Moments = np.array([m[0] for m in merged], dtype=np.int64)
        self.ends: Moments = np.array([m[1] for m in merged], dtype=np.int64)
        self._before = np.concatenate([[0], np.cumsum(self.ends - self.starts)]).astype(np.int64)

    def __len__(self) -> int:
        """The number of intervals."""
        return len(self.starts)

    def pairs(self) -> list[tuple[int, int]]:
        """The intervals."""
        return list(zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def elapsed(self, moments: Moments) -> Moments:
        """Microseconds inside the intervals before each moment."""
        if not len(self):
            return np.zeros(len(moments), dtype=np.int64)
        begun = np.searchsorted(self.starts, moments, side="right")
        ahead = np.clip(self.ends[np.maximum(begun - 1, 0)] - moments, 0, None)
        return np.where(begun > 0, self._before[begun] - ahead, 0)

    def contain(self, moments: Moments) -> npt.NDArray[np.bool_]:
        """Whether each moment is in an interval."""
        if not len(self):
            return np.zeros(len(moments), dtype=bool)
        begun = np.searchsorted(self.starts, moments, side="right")
        return (begun > 0) & (moments < self.ends[np.maximum(begun - 1, 0)])

    def within(self, other: Spans) -> Spans:
        """The time in both."""
        found, i, j = [], 0, 0
        mine, theirs = self.pairs(), other.pairs()
        while i < len(mine) and j < len(theirs):
            found.append((max(mine[i][0], theirs[j][0]), min(mine[i][1], theirs[j][1])))
            if mine[i][1] < theirs[j][1]:
                i += 1
            else:
                j += 1
        return Spans(found)


def micros(moments: pd.Series[Any]) -> Moments:
    """Moments without nulls as microseconds since 1970."""
    return moments.to_numpy().astype("datetime64[us]").astype(np.int64)


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


class ServiceHours:
    """The open intervals of each choice of service_hours rows, from before the first event to past as_of."""

    def __init__(self, world: World) -> None:
        """Reads service_hours and service_holidays."""
        self.rows = world["service_hours"]
        holidays = world["service_holidays"]
        self.holidays = {(s, d.date()) for s, d in zip(holidays["schedule_id"], holidays["holiday_date"], strict=True)}
        moments = {
            "tickets": "created_at",
            "interactions": "started_at",
            "web_events": "event_at",
            "uptime_checks": "checked_at",
            "agent_status_events": "started_at",
        }
        firsts = [world[table][column].min() for table, column in moments.items() if len(world[table])]
        self.first = min([*firsts, world.as_of]).date() - timedelta(days=2)
        self.last = world.as_of.date() + timedelta(days=2)
        self._known: dict[tuple[int, ...], Spans] = {}

    def of(self, schedule: str | None, channel: str | None) -> Spans | None:
        """Open time of a schedule's rows, else all, of the channel or null. None is round the clock."""
        chosen = self.rows["channel"].isna() | (self.rows["channel"] == channel)
        if schedule is not None:
            chosen &= self.rows["schedule_id"] == schedule
        return self._spans(chosen)

    def any(self) -> Spans | None:
        """Open time of any row. None is round the clock."""
        return self._spans(pd.Series(True, index=self.rows.index))

    def _spans(self, chosen: pd.Series[Any]) -> Spans | None:
        key = tuple(self.rows.index[chosen])
        if not key:
            return None
        if key not in self._known:
            self._known[key] = Spans(pair for row in key for pair in self._intervals(row))
        return self._known[key]

    def _intervals(self, row: int) -> Iterable[tuple[int, int]]:
        hours: Any = self.rows.loc[row]
        opens, closes = wall_time(hours["opens_at"]), wall_time(hours["closes_at"])
        assert opens is not None and closes is not None
        if closes <= opens:
            closes += timedelta(days=1)
        try:
            zone = ZoneInfo(hours["timezone"] or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo("UTC")
        first: date = self.first if pd.isna(hours["valid_from"]) else max(self.first, hours["valid_from"].date())
        last: date = self.last if pd.isna(hours["valid_to"]) else min(self.last, hours["valid_to"].date())
        for number in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(number)
            if day.isoweekday() == hours["weekday"] and (hours["schedule_id"], day) not in self.holidays:
                midnight = datetime(day.year, day.month, day.day)
                yield _micros(utc_of(midnight + opens, zone)), _micros(utc_of(midnight + closes, zone))


@remembered
def service_hours(world: World) -> ServiceHours:
    """The service hours of a world."""
    return ServiceHours(world)
