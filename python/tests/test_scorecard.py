"""The scorecard shows the marts' own numbers, says what a change means, and is one safe file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outside_in.scorecard import read_scorecard, write_scorecard
from outside_in.scorecard.data import Card, Scorecard, format_change, format_value
from outside_in.scorecard.page import render
from tests.conftest import Built


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8214, "share", "82.1 %"),
        (1.0, "share", "100.0 %"),
        (0.99967, "share", "99.97 %"),
        (0.0, "share", "0.0 %"),
        (0.0002, "share", "0.02 %"),
        (38.5, "points -100..100", "38.5"),
        (349.2, "seconds", "5.8 min"),
        (45, "seconds", "45 s"),
        (90, "minutes", "90.0 min"),
        (300, "minutes", "5.0 h"),
        (75, "hours", "3.1 d"),
        (1234.5, "money", "€1,234"),
        (12.5, "money", "€12.50"),
        (1234, "cases", "1,234"),
        (2417.6, "ms", "2,418 ms"),
    ],
)
def test_values_are_shown_in_their_unit(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit, "EUR") == text


def test_a_share_changes_in_percentage_points() -> None:
    assert format_change(-0.0123, "share", "EUR") == "▼ 1.2 pp"
    assert format_change(-0.00033, "share", "EUR") == "▼ 0.03 pp"
    assert format_change(0.0, "share", "EUR") == "no change"
    assert format_change(None, "share", "EUR") == ""


def card(**fields: object) -> Card:
    known: dict[str, object] = {
        "kpi_id": "nps", "name": "NPS", "question": "loyalty", "tier": "key", "formula": "f", "period": "May 2026",
        "value_text": "1", "previous_text": "", "change_text": "", "verdict": "none", "target": None,
        "target_text": "", "target_status": None, "interval_text": "", "sample_text": "", "is_small_sample": False,
        "trend": (),
    }  # fmt: skip
    return Card(**(known | fields))  # type: ignore[arg-type]


def test_text_from_the_data_stays_text() -> None:
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}"
    groups = (("Would they?", (card(name=hostile, formula=hostile),)),)
    page = render(Scorecard("t", "May 2026", "2026-05-31", groups))
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page and "&lt;script&gt;" in page


def test_the_page_needs_no_network(built_sample: Built, tmp_path: Path) -> None:
    write_scorecard(built_sample.out / "published" / "warehouse.duckdb", tmp_path / "scorecard.html")
    page = (tmp_path / "scorecard.html").read_text("utf-8")
    assert not re.findall(r"""(?:src|href)=["']?(?!#)[^"'\s>]+""", re.sub(r"<svg.*?</svg>", "", page, flags=re.S))
    assert "url(" not in re.sub(r"url\(#", "", page)
    assert page.count("<svg") > 30


def test_cards_show_kpi_values(built_sample: Built) -> None:
    with built_sample.marts as con:
        scorecard = read_scorecard(con)
        wanted = con.execute(
            "select value from marts.kpi_values where kpi_id = 'csat' and period_grain = 'month'"
            " and dimension_name = 'overall' and is_complete_period order by period_start desc limit 1"
        ).fetchall()
    csat = next(card for card in scorecard.cards if card.kpi_id == "csat")
    assert csat.value_text == format_value(wanted[0][0], "share", "EUR")
    assert csat.trend[-1].value == wanted[0][0]


def test_forecasts_are_shown_beside_what_came(built_sample: Built, tmp_path: Path) -> None:
    with built_sample.marts as con:
        forecasts = read_scorecard(con).forecasts
        wanted = con.execute(
            "select holdout_period_start, actual_orders from marts.clv_model_backtest where model = ? order by 1",
            [forecasts.model],
        ).fetchall()
    assert [(past.start, past.actual) for past in forecasts.backtests] == wanted
    assert forecasts.bins == tuple(sorted(forecasts.bins, key=lambda one: one.predicted))
    write_scorecard(built_sample.out / "published" / "warehouse.duckdb", tmp_path / "scorecard.html")
    page = (tmp_path / "scorecard.html").read_text("utf-8")
    assert 'id="forecasts"' in page and forecasts.model in page


def test_without_forecasts_nothing_is_said_of_them() -> None:
    page = render(Scorecard("t", "May 2026", "2026-05-31", (("Would they?", (card(),)),)))
    assert 'id="forecasts"' not in page
