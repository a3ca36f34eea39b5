"""The scorecard as one HTML page that opens without a network: inline style, inline SVG trends."""

from __future__ import annotations

import re
from pathlib import Path

import altair as alt
import vl_convert
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from outside_in.scorecard.data import Card, Scorecard
from outside_in.scorecard.forecasts import backtest_picture, calibration_picture

FOLDER = Path(__file__).resolve().parent
WIDTH, HEIGHT = 240, 54
LINE, BAND, TARGET = "#3b7dd8", "#3b7dd8", "#8a94a6"


def render(scorecard: Scorecard) -> str:
    """The page. Every text from the data is escaped by the template; only the trends are markup."""
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.get_template("page.html.j2")
    return template.render(
        scorecard=scorecard,
        trend=trend,
        backtest_picture=backtest_picture,
        calibration_picture=calibration_picture,
        style=Markup((FOLDER / "page.css").read_text("utf-8")),
    )


def trend(card: Card) -> Markup:
    """A KPI's months as a small line with its interval and target; nothing for fewer than two months.

    The scale starts at the values, not at 0, which would flatten a KPI that moves by a per cent.
    """
    if len(card.trend) < 2:
        return Markup("")
    svg = vl_convert.vegalite_to_svg(_chart(card).to_dict())
    # The same size at every width of the page; ids of clip paths are of no use and would repeat.
    svg = re.sub(
        r'<svg ([^>]*?)width="[^"]*" height="[^"]*"',
        r'<svg \1preserveAspectRatio="xMinYMid meet" aria-hidden="true"',
        svg,
        count=1,
    )
    return Markup(svg)


def _chart(card: Card) -> alt.LayerChart:
    rows = [
        {"month": point.month.isoformat(), "value": point.value, "low": point.low, "high": point.high}
        for point in card.trend
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=alt.X("month:T", axis=None))
    scale = alt.Scale(zero=False, nice=False, padding=4)
    line = base.mark_line(color=LINE, strokeWidth=1.8).encode(y=alt.Y("value:Q", axis=None, scale=scale))
    last = alt.Chart(alt.InlineData(values=rows[-1:])).mark_point(color=LINE, filled=True, size=34, opacity=1)
    layers: list[alt.Chart] = [line, last.encode(x="month:T", y=alt.Y("value:Q", axis=None, scale=scale))]
    values = [point.value for point in card.trend]
    spread = max(values) - min(values)
    # A band much wider than the line moves would hide the line; then its width is in the text alone.
    narrow = [p for p in card.trend if p.low is not None and p.high is not None and p.high - p.low <= 4 * spread]
    if len(narrow) == len(rows):
        band = base.mark_area(color=BAND, opacity=0.14).encode(y=alt.Y("low:Q", axis=None, scale=scale), y2="high:Q")
        layers.insert(0, band)
    if card.target is not None:
        rule = alt.Chart(alt.InlineData(values=[{"target": card.target}])).mark_rule(color=TARGET, strokeDash=[4, 3])
        layers.append(rule.encode(y=alt.Y("target:Q", axis=None, scale=scale)))
    chart: alt.LayerChart = alt.LayerChart(layer=layers)
    return _styled(chart)


def _styled(chart: alt.LayerChart) -> alt.LayerChart:
    styled: alt.LayerChart = (
        chart.properties(width=WIDTH, height=HEIGHT, background="transparent", padding=2)
        .configure_view(stroke=None)
    )  # fmt: skip
    return styled
