"""The sample generator: the contract holds, causes come before effects, what is planted is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest
from scipy.special import hyp2f1  # type: ignore[import-untyped]  # ships no types

from outside_in import sample
from outside_in.contract import DELETED, LANDED_AT, raw_tables
from outside_in.sample import commerce, damage, world
from outside_in.sample.writer import DAY, HOUR

TABLES = raw_tables()
SIZE: dict[str, Any] = {"customers": 700, "days": 200, "scale": 1.5}


@dataclass(frozen=True)
class Sample:
    """A generated folder, its truth, and a connection with one view per table over its Parquet files."""

    folder: Path
    truth: dict[str, Any]
    con: duckdb.DuckDBPyConnection

    def one(self, query: str) -> Any:
        """The only value of the query's only row."""
        row = self.con.execute(query).fetchone()
        assert row is not None
        return row[0]


def opened(folder: Path) -> Sample:
    con = duckdb.connect()
    con.execute("set threads = 1")
    for name in TABLES:
        con.execute(
            f"create view {name} as select * from "
            f"read_parquet('{folder}/{name}/*.parquet', union_by_name = true, filename = true)"
        )
    return Sample(folder, json.loads(folder.with_name(folder.name + ".truth.json").read_text("utf-8")), con)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample") / "raw"
    sample.generate(folder, **SIZE)
    return opened(folder)


def planted(made: Sample, table: str, kind: str) -> Any:
    return made.truth["damage"].get(table, {}).get(kind, 0)


def contents(folder: Path) -> dict[str, str]:
    """Per table, a fingerprint of its rows (as a bag) and files."""
    found = opened(folder)
    return {
        name: found.one(f"select count(*) || ' ' || sum(hash({columns})) from {name}")
        for name in TABLES
        for columns in [", ".join(f'"{column}"' for column in [*TABLES[name].columns, LANDED_AT])]
    }


# ---- the contract ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_there_with_the_contract_types(made: Sample, table: str) -> None:
    found = {row[0]: row[1] for row in made.con.execute(f"describe {table}").fetchall()}
    expected = {**TABLES[table].columns, LANDED_AT: "timestamp"}
    assert {name: found.get(name) for name in expected} == {n: k.upper() for n, k in expected.items()}
    assert set(found) - set(expected) <= {DELETED, "filename"}
    compression = f"select distinct compression from parquet_metadata('{made.folder}/{table}/*.parquet')"
    assert made.con.execute(compression).fetchall() == [("ZSTD",)]


def test_row_counts_are_those_of_the_files(made: Sample) -> None:
    for table, rows in made.truth["rows"].items():
        text = sum(fact["rows"] for fact in made.truth["csv_files"] if fact["file"].startswith(f"{table}/"))
        assert made.one(f"select count(*) from {table}") + text == rows, table
        assert rows > 0, table


@pytest.mark.parametrize("table", TABLES)
def test_required_columns_are_filled_but_for_the_planted(made: Sample, table: str) -> None:
    lost = planted(made, table, "required_null") or {}
    for column in TABLES[table].required:
        assert made.one(f'select count(*) from {table} where "{column}" is null') == lost.get(column, 0), column


@pytest.mark.parametrize("table", TABLES)
def test_keys_are_unique_but_for_the_planted(made: Sample, table: str) -> None:
    key = ", ".join(f'"{column}"' for column in TABLES[table].key)
    twice = f"select count(*) from (select 1 from {table} group by {key}, _loaded_at having count(*) > 1)"
    assert made.one(twice) == planted(made, table, "exact_duplicates")
    versions = f"select count(*) from (select 1 from {table} group by {key} having count(distinct _loaded_at) > 1)"
    expected = planted(made, table, "superseded_versions") + planted(made, table, "tombstones")
    assert made.one(versions) == expected


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.codes])
def test_codes_are_known_but_for_the_planted(made: Sample, table: str) -> None:
    unknown, unclean = (planted(made, table, kind) or {} for kind in ("unknown_codes", "unclean_codes"))
    for column, codes in TABLES[table].codes.items():
        rows = made.con.execute(f"select {column}, count(*) from {table} where {column} is not null group by 1")
        odd = {word: count for word, count in rows.fetchall() if word not in codes}
        assert odd == {**unknown.get(column, {}), **unclean.get(column, {})}, column


# ---- the damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_late_and_out_of_order_rows_are_those_planted(made: Sample, table: str) -> None:
    times = [
        column
        for column, kind in TABLES[table].columns.items()
        if kind == "timestamp" and column not in ("promised_at", "expires_at")
    ]
    if not times and TABLES[table].own_time is None:
        pytest.skip("no row says when it happened")
    latest = f"greatest({', '.join(times)})" if times else f"({TABLES[table].own_time} + interval 1 day)"
    # a solved_at planted before the ticket's start hides when the row could be known
    honest = " and coalesce(solved_at >= created_at, true)" if table == "tickets" else ""
    honest += " and coalesce(unlinked_at >= linked_at, true)" if table == "customer_identities" else ""
    lag = f"select count(*) from {table} where _loaded_at - {latest} between {{}} {honest}"
    assert made.one(lag.format("interval 47 hour and interval 400 day")) == planted(made, table, "late_rows")
    found = made.one(lag.format("interval 25 hour and interval 47 hour"))
    assert found == planted(made, table, "out_of_order_rows")


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.own_time])
def test_only_planted_rows_lie_in_the_future(made: Sample, table: str) -> None:
    stop = f"timestamp '{made.truth['period']['stop']}'"
    ahead = f"select count(*) from {table} where {TABLES[table].own_time} >= {stop}"
    assert made.one(ahead) == planted(made, table, "future_rows")
    day_ahead = f"{ahead} + interval 1 day and {TABLES[table].own_time} > _loaded_at + interval 1 day"
    assert made.one(day_ahead) == planted(made, table, "future_rows")
    last_day = f"{TABLES[table].own_time} >= {stop} - interval 3 day and {TABLES[table].own_time} < {stop}"
    quiet = {"service_holidays", "page_audits", "article_events", "quality_reviews", "survey_responses"}
    assert table in quiet or made.one(f"select count(*) from {table} where {last_day}") > 0


def test_impossible_values_are_those_planted(made: Sample) -> None:
    impossible = {
        ("interactions", "talk_seconds"): "talk_seconds < 0",
        ("interactions", "ended_at"): "ended_at < started_at",
        ("tickets", "solved_at"): "solved_at < created_at",
        ("tickets", "closed_at"): "closed_at < created_at",
        ("survey_responses", "score"): "score not between coalesce(scale_min, 0) and coalesce(scale_max, 10)",
        ("survey_responses", "started_at"): "started_at > responded_at",
        ("reviews", "rating"): "rating not between coalesce(scale_min, 1) and coalesce(scale_max, 5)",
        ("web_events", "engagement_ms"): "engagement_ms < 0",
        ("web_events", "page_load_ms"): "page_load_ms < 0",
        ("quality_reviews", "score"): "score not between coalesce(scale_min, 0) and coalesce(scale_max, 100)",
        ("customer_identities", "unlinked_at"): "unlinked_at < linked_at",
        ("interactions", "answered_at"): "answered_at < started_at",
    }
    for (table, column), rule in impossible.items():
        expected = (planted(made, table, "impossible_values") or {}).get(column, 0)
        assert made.one(f"select count(*) from {table} where {rule}") == expected, (table, column)


def test_tombstones_take_back_rows_of_their_own(made: Sample) -> None:
    total = 0
    for table in damage.DELETING:
        rows = planted(made, table, "tombstones")
        total += rows
        if rows:
            assert made.one(f"select count(*) from {table} where _deleted") == rows
    assert total > 0


def test_damage_is_small(made: Sample) -> None:
    def added_up(counts: Any) -> int:
        return sum(map(added_up, counts.values())) if isinstance(counts, dict) else int(counts)

    total = sum(made.truth["rows"].values())
    assert 0.001 < added_up(made.truth["damage"]) / total <= 0.005


def test_text_files_hold_what_cannot_be_read(made: Sample) -> None:
    for fact in made.truth["csv_files"]:
        path = made.folder / fact["file"]
        assert made.one(f"select count(*) from read_csv('{path}', all_varchar = true)") == fact["rows"]
        for column, count in fact["unreadable_values"].items():
            bad = f"select count(*) from read_csv('{path}', all_varchar = true) where {column} is not null"
            assert made.one(f"{bad} and try_cast({column} as double) is null") == count, column


# ---- causes and effects ----------------------------------------------------------------------------------


def test_readers_of_the_bad_article_call(made: Sample) -> None:
    bad = made.truth["bad_article"]
    query = f"""
        with reads as (
            select coalesce(w.customer_id, i.customer_id) as customer_id, w.event_at,
                   w.page_path = '{bad["page_path"]}' and w.event_at >= '{bad["broken_from"]}' as is_bad
            from web_events as w
            left join (select identity_value, max(customer_id) as customer_id
                       from customer_identities group by all) as i on i.identity_value = w.visitor_id
            where w.event_name = 'page_view' and w.article_id is not null
        )
        select is_bad, avg(exists (
            select 1 from interactions as c
            where c.customer_id = reads.customer_id and c.channel = 'phone'
              and c.started_at between reads.event_at and reads.event_at + interval 24 hour)::int)
        from reads where customer_id is not null group by 1
    """
    shares = dict(made.con.execute(query).fetchall())
    assert shares[True] > 0.35 > 2 * shares[False]


def test_late_deliveries_make_low_scores_and_leavers(made: Sample) -> None:
    late = "delivered_at >= date_trunc('day', promised_at) + interval 1 day"
    scores = dict(
        made.con.execute(
            f"""select {late}, avg(score)
                from survey_responses as r join shipments as s on s.order_id = r.subject_id
                where r.aspect = 'overall' and score <= 5 and delivered_at is not null group by 1"""
        ).fetchall()
    )
    assert scores[True] < scores[False] - 1
    stays = dict(
        made.con.execute(
            f"""with o as (select distinct order_id, customer_id, ordered_at from orders
                           where status <> 'cancelled' and customer_id is not null),
                     ranked as (select *, row_number() over later as place,
                                       lead(ordered_at) over later is not null as again
                                from o window later as (partition by customer_id order by ordered_at))
                select {late}, avg(again::int) from ranked as r join shipments as s using (order_id)
                where place > 1 and delivered_at is not null group by 1"""
        ).fetchall()
    )
    assert stays[True] < stays[False] - 0.1


def test_the_outage_ends_visits_and_makes_calls(made: Sample) -> None:
    outage = made.truth["outage"]
    during = f"between timestamp '{outage['start']}' and timestamp '{outage['end']}'"
    down = f"select count(*) filter (where not is_up), count(*) from uptime_checks where checked_at {during}"
    failed, checks = made.con.execute(f"{down} and monitor_id = '{outage['monitor_id']}'").fetchall()[0]
    assert failed >= checks - 1 > 30
    bounced = made.con.execute(
        f"""select avg((views = 1)::int) from (
                select session_id, count(*) filter (where event_name = 'page_view') as views from web_events
                where site = '{outage["site"]}' and event_at {during} and session_id is not null
                  and not is_bot group by 1)"""
    ).fetchone()
    assert bounced is not None and bounced[0] > 0.9
    hours = f"(epoch(timestamp '{outage['end']}') - epoch(timestamp '{outage['start']}')) / 3600"
    calls = f"select count(*) from interactions where channel = 'phone' and started_at {during}"
    usual = made.one("select count(*) / (24.0 * 200) from interactions where channel = 'phone'")
    assert made.one(f"select ({calls}) / ({hours})") > 5 * usual


def test_the_detractor_topic_makes_detractors(made: Sample) -> None:
    rows = made.con.execute(
        f"""select t.topic = '{made.truth["detractor_topic"]["topic"]}',
                   avg((score - coalesce(scale_min, 0)) / (10 - coalesce(scale_min, 0)))
            from survey_responses as r join tickets as t on t.ticket_id = r.subject_id
            where r.survey_type = 'nps' and score <= 10 group by 1"""
    ).fetchall()
    shares = dict(rows)
    assert shares[True] < shares[False] - 0.2


def test_the_worthless_campaign_brings_nobody_who_stays_or_buys(made: Sample) -> None:
    campaign = made.truth["worthless_campaign"]["campaign_id"]
    rows = made.con.execute(
        f"""select a.campaign_id = '{campaign}', max(pings), count(*) from
                (select distinct campaign_id, click_id from ad_events where click_id is not null) as a
                join (select session_id, max(click_id) as click_id,
                             count(*) filter (where event_name in ('page_ping', 'purchase')) as pings
                      from web_events where session_id is not null group by 1) as s using (click_id)
                group by 1"""
    ).fetchall()
    pings = {is_worthless: most for is_worthless, most, _ in rows}
    assert pings[True] == 0 < pings[False]


def test_the_slow_page_is_slow_on_the_phone_alone(made: Sample) -> None:
    page = made.truth["slow_page"]["page_path"]
    rows = made.con.execute(
        f"select page_path = '{page}', device_type, median(lcp_ms) from web_events "
        "where device_type in ('mobile', 'desktop') group by all"
    ).fetchall()
    lcp = {(slow, device): value for slow, device, value in rows}
    assert lcp[True, "mobile"] > 4_000 > 2_500 > max(lcp[True, "desktop"], lcp[False, "mobile"])


def test_nobody_contacts_the_company_before_being_a_customer(made: Sample) -> None:
    early = """select count(*) from tickets as t join customers as c using (customer_id)
               where t.created_at < c.created_at"""
    assert made.one(early) == 0
    assert made.one("select count(*) from orders as o join customers as c using (customer_id) "
                    "where o.ordered_at < c.created_at - interval 1 day") == 0  # fmt: skip


def test_histories_are_in_order(made: Sample) -> None:
    last = """select count(*) from tickets as t join
                  (select ticket_id, arg_max(new_value, (event_at, event_id)) as status from
                      (select distinct ticket_id, event_id, event_at, field_name, new_value
                       from ticket_events)
                   where field_name = 'status' group by 1) as e using (ticket_id)
              where t.status <> e.status"""
    missing = planted(made, "ticket_events", "required_null") or {}
    assert made.one(last) <= sum(missing.values()) + planted(made, "ticket_events", "future_rows")
    assert made.one("select count(*) from shipments where delivered_at < shipped_at") == 0
    legs = """select count(*) from interactions as leg
              join interactions as parent on leg.parent_interaction_id = parent.interaction_id where """
    assert made.one(f"{legs} leg.started_at < parent.started_at") == 0 < made.one(f"{legs} true")


def test_items_add_up_to_their_order(made: Sample) -> None:
    off = """select count(*) from (select distinct order_id, gross_amount from orders) as o join
                 (select order_id, sum(quantity * unit_price::double) as total from
                     (select distinct order_id, line_number, quantity, unit_price from order_items)
                  group by 1) as i
                 using (order_id) where abs(o.gross_amount::double - i.total) > 0.001"""
    assert made.one(off) <= planted(made, "order_items", "superseded_versions")


def test_most_visitors_are_identified_and_nights_of_changing_clocks_are_lively(made: Sample) -> None:
    counts = made.truth["counts"]
    assert 0.6 <= counts["visitors_identified"] / counts["visitors"] <= 0.7
    assert [night["night"] for night in made.truth["dst_nights"]] == ["2026-03-29"]
    for night in made.truth["dst_nights"]:
        moment = f"timestamp '{night['night']}'"
        during = f"started_at between {moment} - interval 3 hour and {moment} + interval 5 hour"
        found = made.one(f"select count(distinct interaction_id) from interactions where {during}")
        assert found >= len(night["interactions"]) > 0


# ---- the laws --------------------------------------------------------------------------------------------


def test_purchases_follow_the_law() -> None:
    """Mean repeat purchases after t days: Fader, Hardie and Lee 2005, equation 9."""
    r, alpha, a, b = (world.SPEND_LAW[name] for name in ("r", "alpha", "a", "b"))
    count, horizon = 200_000, 300.0
    who, when, _ = commerce.purchases(np.random.default_rng(1), np.zeros(count), horizon)
    for days in (60.0, 150.0, horizon):
        tail = hyp2f1(r, b, a + b - 1, days / (alpha + days))
        expected = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + days)) ** r * tail)
        assert ((when < days).sum() - count) / count == pytest.approx(expected, rel=0.02)
    assert len(np.unique(who)) == count


def test_order_values_follow_the_law(made: Sample) -> None:
    """In EUR at the last known rate; per customer the mean is p v / (q - 1)."""
    mean = made.one(
        """with o as (select distinct on (order_id) * from orders
                      where customer_id is not null and status <> 'cancelled'
                      order by order_id, _loaded_at desc)
           select avg((gross_amount - discount_amount) * coalesce(r.rate, 1)) from o
           asof left join exchange_rates as r
             on r.from_currency = o.currency and r.rate_date <= o.ordered_at::date"""
    )
    assert mean == pytest.approx(made.truth["spend_law"]["mean_order_value"], rel=0.12)


# ---- the generator ---------------------------------------------------------------------------------------


def test_same_arguments_same_rows_whoever_draws_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_WEB_ROWS_PER_CHUNK", 1_200)  # six chunks, drawn by two processes
    size: dict[str, Any] = {"customers": 300, "days": 40, "scale": 2.0}
    sample.generate(tmp_path / "a", **size)
    monkeypatch.setattr(sample, "_WORKERS", 1_000)  # all in this process
    sample.generate(tmp_path / "b", **size)
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    sample.generate(tmp_path / "b", **size, seed=8)
    assert sum(first[name] != other for name, other in contents(tmp_path / "b").items()) > 25
    chunked = opened(tmp_path / "a")
    visitors = chunked.one("select count(distinct visitor_id) from web_events")
    assert visitors == chunked.truth["counts"]["visitors"]
    for table in ("orders", "tickets", "web_events", "interactions", "survey_responses"):
        key = ", ".join(TABLES[table].key)
        query = f"select count(*) from (select 1 from {table} group by {key}, _loaded_at having count(*) > 1)"
        assert chunked.one(query) == planted(chunked, table, "exact_duplicates"), table


def test_size_follows_the_arguments(tmp_path: Path) -> None:
    small = sample.generate(tmp_path / "small", customers=200, days=60).rows
    wide = sample.generate(tmp_path / "wide", customers=400, days=60).rows
    busy = sample.generate(tmp_path / "busy", customers=200, days=60, scale=4.0).rows
    assert 1.8 < wide["customers"] / small["customers"] < 2.2
    assert 1.5 < wide["web_events"] / small["web_events"] < 2.6
    assert busy["web_events"] / small["web_events"] > 2
    assert busy["orders"] == pytest.approx(small["orders"], rel=0.1)
    assert set(small) == set(TABLES)


def test_progress_ends_with_everything_done(tmp_path: Path) -> None:
    told: list[float] = []
    summary = sample.generate(tmp_path / "raw", customers=20, days=10, progress=lambda share, _: told.append(share))
    assert told == sorted(told) and told[-1] == 1.0
    assert summary.total_rows == sum(summary.rows.values())


@pytest.mark.parametrize("size", [{"customers": 0}, {"days": 3}, {"scale": 0.0}])
def test_sizes_that_cannot_be_are_refused(tmp_path: Path, size: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need customers"):
        sample.generate(tmp_path / "raw", **size)


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "raw" / "orders" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("order_id\n1\n")
    with pytest.raises(FileExistsError, match=r"mine\.csv"):
        sample.generate(tmp_path / "raw", customers=20, days=10)
    assert mine.exists()


@pytest.mark.parametrize("zone", sorted(set(world.ZONES)))
def test_local_times_are_those_of_the_zone(zone: str) -> None:
    clock = world.Clock(date(2025, 7, 1), date(2026, 6, 30))
    place = world.ZONES.index(zone)
    hours = np.arange(0, 365 * 24, 7)
    moments = world.microseconds(date(2025, 7, 1)) + hours * HOUR + 20 * 60_000_000
    local = clock.to_local(moments, place)
    for moment, wall in zip(moments.tolist(), local.tolist(), strict=True):
        known = datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert datetime(1970, 1, 1) + timedelta(microseconds=wall) == known
    summer = world.microseconds(date(2025, 8, 1)) + np.arange(24) * HOUR
    assert (clock.to_local(clock.to_utc(summer, place), place) == summer).all()
    assert DAY == 24 * HOUR
