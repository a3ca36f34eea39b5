"""What the scorecard shows, read from the published marts; every number is kpi_values' own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Literal

import duckdb

from outside_in.scorecard.forecasts import Forecasts, read_forecasts

Verdict = Literal["better", "worse", "changed", "unclear", "none"]
TREND_MONTHS = 13  # a year and the same month of the year before

# The customer's questions, in the order in which a customer meets them.
QUESTIONS = {
    "loyalty": "Would they recommend us?",
    "satisfaction": "Are they satisfied?",
    "effort": "Is it easy for them?",
    "speed": "How fast are we?",
    "availability": "Are we there?",
    "effectiveness": "Do we solve it?",
    "demand": "How much trouble do we cause?",
    "self_service": "Can they help themselves?",
    "knowledge": "Do we share what we learn?",
    "journey": "Is it one journey?",
    "abandonment": "Where do they give up?",
    "delivery": "Do they see where their order is?",
    "site_health": "Is the site up and quick?",
    "retention": "Do they stay?",
    "value": "What are they worth?",
    "loyalty_programme": "Does the loyalty programme work?",
    "operations": "What does it cost to serve?",
    "listening": "Do we listen well?",
}


@dataclass(frozen=True)
class Point:
    """One month of a trend: its first day, the value and its 95 % interval."""

    month: date
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Card:
    """One KPI as it is shown."""

    kpi_id: str
    name: str
    question: str
    tier: str
    formula: str
    period: str
    value_text: str
    previous_text: str
    change_text: str
    verdict: Verdict
    target: float | None
    target_text: str
    target_status: str | None
    interval_text: str
    sample_text: str
    is_small_sample: bool
    trend: tuple[Point, ...]


@dataclass(frozen=True)
class Missing:
    """A KPI that the data cannot say, and the tables or columns that it waits for."""

    name: str
    waits_for: str


@dataclass(frozen=True)
class Scorecard:
    """All of it: cards grouped by question, what is missing, how good forecasts were, the period most of it is of."""

    title: str
    period: str
    as_of: str
    groups: tuple[tuple[str, tuple[Card, ...]], ...]
    missing: tuple[Missing, ...] = field(default=())
    forecasts: Forecasts = field(default=Forecasts())

    @property
    def cards(self) -> tuple[Card, ...]:
        """Every card, in the order shown."""
        return tuple(card for _, cards in self.groups for card in cards)

    @property
    def key_cards(self) -> tuple[Card, ...]:
        """The cards of tier key, or all of them where nothing key is attainable."""
        return tuple(card for card in self.cards if card.tier == "key") or self.cards

    @property
    def summary(self) -> str:
        """One line: how many KPIs, how many moved, what is missing."""
        count = {verdict: sum(card.verdict == verdict for card in self.cards) for verdict in ("better", "worse")}
        return (
            f"{len(self.cards)} KPIs, {count['better']} clearly better and {count['worse']} clearly worse than the"
            f" period before; {len(self.missing)} more wait for data."
        )


def read_scorecard(con: duckdb.DuckDBPyConnection) -> Scorecard:
    """Read the scorecard from an open connection to published marts.

    Each KPI shows its last complete month, or where it has none its value over all time.
    """
    as_of, currency = con.execute("select as_of, reporting_currency from marts.run_context").fetchall()[0]
    rows = con.execute(
        """
        with shown as (
            select
                *,
                row_number() over (
                    partition by kpi_id
                    order by
                        case when period_grain = 'month' and is_complete_period then 0 else 1 end,
                        case when period_grain = 'all' then 0 else 1 end,
                        period_start desc
                ) as preference
            from marts.kpi_values
            where dimension_name = 'overall' and period_grain in ('month', 'all')
        )

        select
            catalog.kpi_id, catalog.name, catalog.question, catalog.tier, catalog.formula, catalog.unit, catalog.better,
            shown.period_grain, shown.period_start, shown.value, shown.previous_value, shown.change,
            shown.is_change_significant, shown.target, shown.target_status, shown.ci_low, shown.ci_high,
            shown.sample_size, shown.is_small_sample
        from marts.kpi_catalog as catalog
        inner join shown on catalog.kpi_id = shown.kpi_id and shown.preference = 1
        where catalog.is_attainable
        """
    ).fetchall()
    trends: dict[str, list[Point]] = {}
    for kpi_id, month, value, low, high in con.execute(
        "select kpi_id, period_start, value, ci_low, ci_high from marts.kpi_values"
        " where dimension_name = 'overall' and period_grain = 'month' and is_complete_period order by 1, 2"
    ).fetchall():
        trends.setdefault(kpi_id, []).append(Point(month, value, low, high))
    cards = [_card(row, tuple(trends.get(row[0], [])[-TREND_MONTHS:]), currency) for row in rows]
    order = {question: position for position, question in enumerate(QUESTIONS)}
    cards.sort(key=lambda card: (order[card.question], card.tier != "key", card.name))
    groups = tuple(
        (QUESTIONS[question], tuple(group)) for question, group in groupby(cards, lambda card: card.question)
    )
    months = [row[8] for row in rows if row[7] == "month"]
    missing = con.execute(
        "select name, coalesce(missing_tables, missing_columns, '') from marts.kpi_catalog"
        " where not is_attainable or missing_columns is not null order by name"
    ).fetchall()
    return Scorecard(
        title="Customer experience scorecard",
        period=_month(max(months)) if months else "all time",
        as_of=f"{as_of:%Y-%m-%d %H:%M} UTC",
        groups=groups,
        missing=tuple(Missing(*row) for row in missing),
        forecasts=read_forecasts(con),
    )


def _card(row: tuple, trend: tuple[Point, ...], currency: str) -> Card:  # type: ignore[type-arg]
    (
        kpi_id, name, question, tier, formula, unit, better, grain, start, value, previous, change,
        significant, target, target_status, low, high, sample, is_small,
    ) = row  # fmt: skip
    return Card(
        kpi_id=kpi_id,
        name=name,
        question=question,
        tier=tier,
        formula=formula,
        period=_month(start) if grain == "month" else "all time",
        value_text=format_value(value, unit, currency),
        previous_text="" if previous is None else format_value(previous, unit, currency),
        change_text=format_change(change, unit, currency),
        verdict=_verdict(change, significant, better),
        target=target,
        target_text="" if target is None else format_value(target, unit, currency),
        target_status=target_status,
        interval_text=""
        if low is None or high is None
        else f"{format_value(low, unit, currency)} to {format_value(high, unit, currency)}",
        sample_text=f"{sample:,}" if sample else "",
        is_small_sample=bool(is_small),
        trend=trend,
    )


def _verdict(change: float | None, significant: bool | None, better: str) -> Verdict:
    if not change:
        return "none"
    if significant is None:
        return "changed"
    if not significant:
        return "unclear"
    if better == "neutral":
        return "changed"
    return "better" if (change > 0) == (better == "up") else "worse"


def _month(day: date) -> str:
    return f"{day:%B %Y}"


SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def format_value(value: float, unit: str, currency: str) -> str:
    """A value as people read it: shares in per cent, durations in a fitting unit, money with its currency."""
    kind = unit.split()[0]
    if kind == "share":
        return f"{_percent(value)} %"
    if kind == "money":
        symbol = SYMBOLS.get(currency, "" if currency == "XXX" else f"{currency} ")
        return f"{symbol}{value:,.0f}" if abs(value) >= 1000 else f"{symbol}{value:,.2f}"
    if unit in ("seconds", "minutes", "hours", "days"):
        return _duration(value * {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}[unit])
    if kind == "ms":
        return f"{value:,.0f} ms"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"


def format_change(change: float | None, unit: str, currency: str) -> str:
    """A change with its sign; a change of a share is in percentage points."""
    if change is None:
        return ""
    if change == 0:
        return "no change"
    arrow = "▲" if change > 0 else "▼"
    size = f"{_percent(abs(change))} pp" if unit.startswith("share") else format_value(abs(change), unit, currency)
    return f"{arrow} {size}"


def _percent(share: float) -> str:
    """Per cent to one decimal, or to as many as tell almost all from all, and almost none from none; three at most."""
    for decimals in (1, 2, 3):
        text = f"{100 * share:.{decimals}f}"
        if float(text) not in (0, 100) or share in (0, 1):
            break
    return text


def _duration(seconds: float) -> str:
    size = abs(seconds)
    for length, name in ((86400 * 2, "d"), (3600 * 2, "h"), (60 * 2, "min")):
        if size >= length:
            return f"{seconds / {'d': 86400, 'h': 3600, 'min': 60}[name]:,.1f} {name}"
    return f"{seconds:,.0f} s" if size >= 10 or not size else f"{seconds:,.1f} s"
