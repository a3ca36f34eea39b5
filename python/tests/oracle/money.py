"""Amounts in the reporting currency."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from .raw import World, remembered


@remembered
def _rates(world: World) -> dict[tuple[str, str], tuple[list[date], list[float]]]:
    """Days and rates of each pair, in order."""
    rows = world["exchange_rates"].sort_values("rate_date")
    rows = rows[rows["rate"] > 0]
    found: dict[tuple[str, str], tuple[list[date], list[float]]] = {}
    columns = (rows[c] for c in ("from_currency", "to_currency", "rate_date", "rate"))
    for source, target, day, rate in zip(*columns, strict=True):
        days, rates = found.setdefault((source, target), ([], []))
        days.append(day.date())
        rates.append(rate)
    return found


def _last_rate(world: World, source: str, target: str, day: date) -> float | None:
    days, rates = _rates(world).get((source, target), ([], []))
    known = bisect_right(days, day)
    return rates[known - 1] if known else None


def in_reporting_currency(
    world: World, amounts: pd.Series[Any], currencies: pd.Series[Any], at: pd.Series[Any]
) -> pd.Series[Any]:
    """Amounts at the last rate on the row's local day, else by the inverse pair; null without a rate."""
    ours = world.vars["reporting_currency"]
    foreign = currencies.notna() & (currencies != ours) & at.notna()
    factors = pd.Series(np.where(currencies.notna() & (currencies != ours), np.nan, 1.0), index=amounts.index)
    days = world.calendar.local(at[foreign]).dt.date
    for i, currency, day in zip(days.index, currencies[foreign], days, strict=True):
        rate = _last_rate(world, currency, ours, day)
        if rate is None:
            inverse = _last_rate(world, ours, currency, day)
            rate = None if inverse is None else 1 / inverse
        factors[i] = np.nan if rate is None else rate
    return amounts * factors
