"""How good the forecasts were: past ones beside what came, as two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import altair as alt
import duckdb
import vl_convert
from markupsafe import Markup

WIDTH, HEIGHT = 420, 220
FORECAST, ACTUAL, EVEN = "#3b7dd8", "#e0762f", "#8a94a6"


@dataclass(frozen=True)
class Backtest:
    """Orders forecast for the time from `start` on with what was known before it, its 95 % interval, and what came."""

    start: date
    expected: float
    low: float
    high: float
    actual: float


@dataclass(frozen=True)
class Bin:
    """Customers of about the same churn probability: its mean, the share who left, and that share's 95 % interval."""

    predicted: float
    churned: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecasts:
    """What the marts say of their own predictions; a part is empty where the data is not enough to predict."""

    model: str = ""
    backtests: tuple[Backtest, ...] = ()
    bins: tuple[Bin, ...] = ()


def read_forecasts(con: duckdb.DuckDBPyConnection) -> Forecasts:
    """The backtests of the model under which the past was likeliest, and the calibration of the churn probabilities."""
    backtests = con.execute(
        """
        with ranked as (
            select
                *,
                sum(holdout_log_likelihood) over (partition by model) as fit,
                count(*) over (partition by model) as backtest_count
            from marts.clv_model_backtest
            where holdout_log_likelihood is not null
        )

        select model, holdout_period_start, expected_orders, expected_orders_low, expected_orders_high, actual_orders
        from ranked
        qualify rank() over (order by backtest_count desc, fit desc, model) = 1
        order by holdout_period_start
        """
    ).fetchall()
    bins = con.execute(
        "select predicted_share, churned_share, ci_low, ci_high from marts.churn_model_calibration"
        " where split = 'all_moments' and churned_share is not null order by bin"
    ).fetchall()
    return Forecasts(
        model=backtests[0][0] if backtests else "",
        backtests=tuple(Backtest(*row[1:]) for row in backtests),
        bins=tuple(Bin(*row) for row in bins),
    )


def backtest_picture(forecasts: Forecasts) -> Markup:
    """Each past forecast with its interval (bar) beside what came."""
    rows = [
        {"from": _since(past), "orders": value, "what": what}
        for past in forecasts.backtests
        for what, value in (("forecast", past.expected), ("what came", past.actual))
    ]
    spans = [{"from": _since(past), "low": past.low, "high": past.high} for past in forecasts.backtests]
    order = [_since(past) for past in forecasts.backtests]
    x = alt.X("from:N", sort=order, axis=alt.Axis(title=None, labelAngle=0))
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=["forecast", "what came"], range=[FORECAST, ACTUAL]),
        legend=alt.Legend(title=None, orient="top"),
    )
    interval = (
        alt.Chart(alt.InlineData(values=spans))
        .mark_bar(color=FORECAST, opacity=0.25, width=14)
        .encode(x=x, y=alt.Y("low:Q", title="orders"), y2="high:Q")
    )
    points = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x=x, y=alt.Y("orders:Q", title="orders"), color=colour)
    )
    return _svg(alt.LayerChart(layer=[interval, points]))


def calibration_picture(forecasts: Forecasts) -> Markup:
    """The share who left by predicted probability: on the dashed line a probability means what it says."""
    rows = [{"predicted": b.predicted, "churned": b.churned, "low": b.low, "high": b.high} for b in forecasts.bins]
    share = alt.Scale(domain=[0, 1])
    x = alt.X("predicted:Q", scale=share, axis=alt.Axis(format="%", title="predicted"))
    y_axis = alt.Axis(format="%", title="left")
    base = alt.Chart(alt.InlineData(values=rows))
    even = alt.Chart(alt.InlineData(values=[{"predicted": 0, "churned": 0}, {"predicted": 1, "churned": 1}]))
    return _svg(
        alt.LayerChart(
            layer=[
                even.mark_line(color=EVEN, strokeDash=[4, 3]).encode(
                    x=x, y=alt.Y("churned:Q", scale=share, axis=y_axis)
                ),
                base.mark_rule(color=FORECAST, opacity=0.4, strokeWidth=4).encode(
                    x=x, y=alt.Y("low:Q", scale=share, axis=y_axis), y2="high:Q"
                ),
                base.mark_point(color=FORECAST, filled=True, size=60, opacity=1).encode(
                    x=x, y=alt.Y("churned:Q", scale=share, axis=y_axis)
                ),
            ]
        )
    )


def _since(past: Backtest) -> str:
    return f"from {past.start:%d %b %Y}"


def _svg(chart: alt.LayerChart) -> Markup:
    styled = (
        chart.properties(width=WIDTH, height=HEIGHT, background="transparent")
        .configure_view(stroke=None)
        # Readable on light and on dark paper.
        .configure_axis(labelColor=EVEN, titleColor=EVEN, gridOpacity=0.25, domainColor=EVEN, tickColor=EVEN)
        .configure_legend(labelColor=EVEN)
    )
    return Markup(vl_convert.vegalite_to_svg(styled.to_dict()))
