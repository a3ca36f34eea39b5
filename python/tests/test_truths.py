"""What was planted in the sample is found by the marts: its causes at the top, its damage counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from outside_in.contract import raw_tables
from tests.conftest import Built

Members = dict[str, float]


@pytest.fixture(scope="module")
def marts(built_sample: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    """One read-only connection for all truths."""
    with built_sample.marts as connection:
        yield connection


def members(con: duckdb.DuckDBPyConnection, kpi_id: str, dimension: str, at_least: int = 1) -> Members:
    """A KPI of the whole time by member, without members of fewer than `at_least` rows."""
    return dict(
        con.execute(
            """
            select dimension_value, value from marts.kpi_values
            where kpi_id = ? and period_grain = 'all' and dimension_name = ? and sample_size >= ?
            """,
            [kpi_id, dimension, at_least],
        ).fetchall()
    )


def highest(values: Members) -> str:
    """The member with the highest value, which has to be the only one."""
    ranked = sorted(values, key=values.__getitem__, reverse=True)
    assert len(ranked) > 1, "nothing to compare with"
    assert values[ranked[0]] > values[ranked[1]], f"{ranked[:2]} share the first place"
    return ranked[0]


def lowest(values: Members) -> str:
    """The member with the lowest value, which has to be the only one."""
    return highest({member: -value for member, value in values.items()})


def test_the_bad_article_makes_people_call(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    bad = built_sample.truth["bad_article"]
    assert highest(members(marts, "digital_to_call_rate", "last_page", at_least=20)) == bad["page_path"]
    assert lowest(members(marts, "self_service_success_rate", "landing_page", at_least=30)) == bad["page_path"]
    assert lowest(members(marts, "article_helpfulness", "article", at_least=10)) == bad["article_id"]


def test_the_outage_is_the_worst_day_of_its_monitor(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    outage = built_sample.truth["outage"]
    start, end = datetime.fromisoformat(outage["start"]), datetime.fromisoformat(outage["end"])
    worst = marts.execute(
        """
        select dimension_value, period_start, denominator - numerator from marts.kpi_values
        where kpi_id = 'uptime' and period_grain = 'day' and dimension_name = 'monitor'
        order by value, dimension_value limit 1
        """
    ).fetchone()
    assert worst is not None
    assert worst[:2] == (outage["monitor_id"], start.date())
    # Checks are minutes apart, so both ends of the outage are known to a few minutes.
    assert worst[2] == pytest.approx((end - start).total_seconds(), abs=600)


def test_the_slow_page_is_slow_on_its_device(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    slow = built_sample.truth["slow_page"]
    times = {
        f"{page} {device}": seconds
        for page, device, seconds in marts.execute(
            """
            select page_path, device_type, percentile_cont(0.75) within group (order by page_load_ms)
            from marts.fct_page_speeds where page_load_ms is not null
            group by page_path, device_type having count(*) >= 30
            """
        ).fetchall()
    }
    assert highest(times) == f"{slow['page_path']} {slow['device_type']}"
    assert lowest(members(marts, "mobile_score", "page")) == slow["page_path"]


def test_the_detractor_topic_is_the_least_liked(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    topic = built_sample.truth["detractor_topic"]["topic"]
    assert highest(members(marts, "dissatisfied_share", "topic", at_least=10)) == topic
    assert lowest(members(marts, "csat", "topic", at_least=10)) == topic


def test_the_worthless_campaign_engages_nobody(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    campaign = built_sample.truth["worthless_campaign"]["campaign_id"]
    engaged = members(marts, "post_click_engaged_rate", "campaign")
    assert lowest(engaged) == campaign
    assert engaged[campaign] == 0
    assert members(marts, "unengaged_click_cost_share", "campaign")[campaign] == pytest.approx(1)
    assert members(marts, "post_click_conversion_rate", "campaign")[campaign] == 0
    assert campaign not in members(marts, "cost_per_engaged_visit", "campaign")
    clicks = marts.execute("select count(*) from marts.fct_ad_clicks where campaign_id = ?", [campaign]).fetchone()
    assert clicks is not None
    # A click whose type was damaged into an unknown code is no click any more.
    damage = built_sample.truth["damage"].get("ad_events", {})
    lost = sum(damage.get("unknown_codes", {}).get("event_type", {}).values())
    assert 0 <= built_sample.truth["counts"]["worthless_clicks"] - clicks[0] <= lost


def test_the_content_gap_is_a_topic_without_an_article(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    gap = built_sample.truth["content_gap"]
    assert highest(members(marts, "content_gap_share", "topic")) == gap["topic"]
    searches = members(marts, "site_search_no_result_rate", "search_term", at_least=8)
    assert {term for term, value in searches.items() if value == 1} == set(gap["search_terms"])


def test_the_defective_product_comes_back(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    product = built_sample.truth["defective_product"]["product_id"]
    assert highest(members(marts, "return_rate", "product", at_least=30)) == product
    assert highest(members(marts, "defect_rate", "product", at_least=30)) == product


def test_late_deliveries_are_late(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    late = built_sample.truth["late_deliveries"]["examples"]
    judged = marts.execute(
        "select is_on_time, count(*) from marts.fct_shipments where list_contains(?, order_id) group by is_on_time",
        [late],
    ).fetchall()
    found = dict(judged)
    assert found.get(False, 0) > 0
    assert True not in found


def test_nobody_is_scheduled_where_every_schedule_has_a_holiday(
    built_sample: Built, marts: duckdb.DuckDBPyConnection
) -> None:
    holidays: dict[date, set[str]] = {}
    for holiday in built_sample.truth["holidays"]:
        holidays.setdefault(date.fromisoformat(holiday["date"]), set()).add(holiday["schedule_id"])
    schedules = set.union(*holidays.values())
    common = [day for day, closed in holidays.items() if closed == schedules]
    minutes: dict[date, float] = dict(
        marts.execute(
            """
            select staffed_date, sum(scheduled_minutes) from marts.fct_staffing_hours
            where hour_of_day between 9 and 20 group by staffed_date
            """
        ).fetchall()
    )
    assert common
    assert minutes, "no day has hours"
    assert not [day for day in common if minutes.get(day, 0) > 0]


def planted_counts(truth: dict[str, Any], table: str) -> dict[str, int]:
    """The row counts of a table's reconciliation as the sample's damage says them.

    A superseded version and an exact copy are one row each; a tombstone is there beside the row it removes.
    """
    damage = truth["damage"].get(table, {})
    required = raw_tables()[table].required
    texts = [file for file in truth["csv_files"] if file["file"].split("/")[0] == table]
    return {
        "raw_rows": truth["rows"][table],
        "duplicate_rows": damage.get("exact_duplicates", 0)
        + damage.get("superseded_versions", 0)
        + 2 * damage.get("tombstones", 0),
        "rejected_rows": sum(n for column, n in damage.get("required_null", {}).items() if column in required)
        + sum(file["rejected_rows"] for file in texts),
        "future_rows": damage.get("future_rows", 0),
        "removed_values": sum(damage.get("impossible_values", {}).values())
        + sum(sum(file["unreadable_values"].values()) for file in texts),
        "unknown_codes": sum(sum(codes.values()) for codes in damage.get("unknown_codes", {}).values()),
    }


def test_the_damage_is_counted_row_by_row(built_sample: Built, marts: duckdb.DuckDBPyConnection) -> None:
    wrong = []
    for table in raw_tables():
        planted = planted_counts(built_sample.truth, table)
        counted = marts.execute(
            f"select {', '.join(planted)}, is_balanced from marts.data_quality_reconciliation where raw_table = ?",
            [table],
        ).fetchone()
        if counted != (*planted.values(), True):
            wrong.append(f"{table}: planted {planted}, counted {counted}")
    assert not wrong, "\n".join(wrong)
