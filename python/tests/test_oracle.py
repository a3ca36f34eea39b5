"""The oracle against the real cases' expected values, and against cases small enough to count by hand."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests import oracle
from tests.oracle import Key, Results, Row, compute, compute_world, load

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
CASES = [
    ("cdnow_sample", "vars.yml", "expected.csv", ""),
    ("olist", "vars.yml", "expected.csv", ""),
    ("prepbench_nps", "vars.yml", "expected.csv", ""),
    ("pwc_calls", "vars.yml", "expected.csv", ""),
    ("r_survey_2018", "vars.yml", "expected.csv", ""),
    ("thunderbird_2023", "vars.yml", "expected.csv", ""),
    ("firefox_snapshots", "vars.yml", "expected.csv", ""),
    ("firefox_snapshots", "vars_day7.yml", "expected_day7.csv", "2024-09-07.parquet"),
]
NUMBERED = {"hour_of_day", "day_of_week", "months_since_first_order"}


def key_of(row: dict[str, str]) -> Key:
    """The key of a row of expected.csv."""
    dimension, member = row["dimension_name"], row["dimension_value"]
    member = "overall" if dimension == "overall" else str(int(member)) if dimension in NUMBERED else member
    return row["kpi_id"], row["period_grain"], date.fromisoformat(row["period_start"]), dimension, member


def mismatch(expected: dict[str, str], found: Row | None) -> str | None:
    """What is wrong with `found`, if anything."""
    if not expected["value"]:
        return None if found is None else f"expected no row, found {found}"
    if found is None:
        return "no row"
    relative = float(expected["tolerance"]) / max(abs(float(expected["value"])), 1e-3)
    for name, got in (
        ("value", found.value),
        ("numerator", found.numerator),
        ("denominator", found.denominator),
    ):
        if expected[name]:
            want = float(expected[name])
            limit = max(abs(want), 1e-3) * relative if name == "value" else max(abs(want) * relative, 1e-9)
            if got is None or not abs(got - want) <= limit:
                return f"{name} expected {want!r}, found {got!r}"
    return None


@pytest.mark.parametrize(("case", "vars_file", "expected_file", "last_file"), CASES)
def test_real_case(case: str, vars_file: str, expected_file: str, last_file: str, tmp_path: Path) -> None:
    """Every row of expected.csv is in the oracle's answer, and every row that must not be there is not."""
    folder = REAL / case
    if not folder.is_dir():
        pytest.skip(f"{case} is not here")
    raw = folder / "raw"
    if last_file:
        raw = tmp_path / "raw"
        for path in sorted((folder / "raw").glob("*/*")):
            if path.name <= last_file:
                (raw / path.parent.name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, raw / path.parent.name / path.name)
    found = compute(raw, yaml.safe_load((folder / vars_file).read_text("utf-8")))
    with (folder / expected_file).open(newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    wrong = [(key_of(row), text) for row in expected if (text := mismatch(row, found.get(key_of(row))))]
    assert not wrong, f"{len(wrong)} of {len(expected)}: {wrong[:10]}"


# ---- cases to count by hand ----------------------------------------------------------------------

ALL = date(1900, 1, 1)
Table = list[dict[str, Any]]


def given(folder: Path, tables: dict[str, Table]) -> Path:
    """Write each table as one jsonl file; the raw folder."""
    for name, rows in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return folder


def answer(folder: Path, families: str, tables: dict[str, Table], as_of: str = "2024-07-01", **vars: Any) -> Results:
    """The oracle's answer for some rows, by the families named, or by all."""
    world = load(given(folder, tables), {"as_of": as_of, **vars})
    return compute_world(world, [getattr(oracle, name) for name in families.split()] or oracle.FAMILIES)


def value(
    found: Results,
    kpi: str,
    member: str = "overall",
    dimension: str = "overall",
    grain: str = "all",
    start: date = ALL,
) -> float | None:
    """The value of one cell, None where there is no row."""
    row = found.get((kpi, grain, start, dimension, member))
    return None if row is None else round(row.value, 6)


def parts(found: Results, kpi: str, member: str = "overall", dimension: str = "overall") -> tuple[Any, Any] | None:
    """Numerator and denominator of the cell of all time."""
    row = found.get((kpi, "all", ALL, dimension, member))
    return None if row is None else (row.numerator, row.denominator)


def test_contract_of_raw_rows(tmp_path: Path) -> None:
    """Formats, types, codes, versions, tombstones, rejects, the future and the impossible."""
    folder = tmp_path / "tickets"
    folder.mkdir()
    (folder / "a.csv").write_text(
        "ticket_id,created_at,status,channel,solved_at,is_spam,_loaded_at\n"
        "1,2024-01-01T01:30:00+02:00, Solved ,EMAIL,2024-01-03,false,2024-01-04\n"
        "2,2024-01-02 10:00:00,open,fax,,f,2024-01-04\n"
        "3,not a day,open,email,,,2024-01-04\n"
        ",2024-01-02,open,email,,,2024-01-04\n",
        "utf-8",
    )
    with gzip.open(folder / "b.csv.gz", "wt", encoding="utf-8") as file:
        file.write("ticket_id,created_at,_loaded_at,_deleted\n4,2024-01-02,2024-01-02,\n4,2024-01-02,2024-01-05,true\n")
    newer = {
        "ticket_id": "2",
        "created_at": "2024-01-02 10:00:00",
        "channel": "chat",
        "_loaded_at": "2024-01-06",
    }
    (folder / "c.json").write_text(json.dumps([newer]), "utf-8")
    more = pd.DataFrame(
        {
            "ticket_id": ["5", "6", "7"],
            "created_at": [datetime(2024, 1, 5), datetime(2024, 8, 1), datetime(2024, 6, 1)],
            "solved_at": [datetime(2024, 1, 4), None, datetime(2024, 7, 2)],
            "_loaded_at": [datetime(2024, 1, 5)] * 3,
        }
    )
    more.to_parquet(folder / "d.parquet")
    rows = load(tmp_path, {"as_of": "2024-07-01"})["tickets"].set_index("ticket_id")
    assert sorted(rows.index) == ["1", "2", "5", "7"]
    assert rows.loc["1", "created_at"] == pd.Timestamp("2023-12-31 23:30")
    assert [rows.loc["1", column] for column in ("status", "channel", "is_spam")] == [
        "solved",
        "email",
        False,
    ]
    assert rows.loc["2", "channel"] == "chat"
    assert pd.isna(rows.loc["2", "status"])
    assert rows["solved_at"].notna().sum() == 1  # before it was created, after as_of: neither is known


def test_as_of_is_the_latest_time_that_was_landed_soon_after(tmp_path: Path) -> None:
    """A row from the far future does not move as_of."""
    rows = [
        {"order_id": "1", "ordered_at": "2024-03-01 10:00", "_loaded_at": "2024-03-01"},
        {"order_id": "2", "ordered_at": "2024-03-09 10:00", "_loaded_at": "2024-03-01"},
    ]
    assert load(given(tmp_path, {"orders": rows}), {}).as_of == pd.Timestamp("2024-03-01 10:00")


def test_nothing_there_gives_no_rows(tmp_path: Path) -> None:
    """Missing tables are empty ones."""
    assert answer(tmp_path, "", {}) == {}


def test_customer_of_an_address_and_erasure(tmp_path: Path) -> None:
    """The latest link that was not undone; an erased customer's rows stay without the customer."""
    links = [
        {"identity_type": "email", "identity_value": "x", "customer_id": "a", "linked_at": "2024-01-01"},
        {"identity_type": "email", "identity_value": "x", "customer_id": "b", "linked_at": "2024-01-02"},
        {
            "identity_type": "email",
            "identity_value": "x",
            "customer_id": "c",
            "linked_at": "2024-01-03",
            "unlinked_at": "2024-01-04",
        },
        {"identity_type": "email", "identity_value": "y", "customer_id": "gone"},
    ]
    calls = [{"interaction_id": x, "channel": "email", "started_at": "2024-02-01", "contact_address": x} for x in "xyz"]
    people = [{"customer_id": "b", "segment": "big"}, {"customer_id": "gone", "deleted_at": "2024-03-01"}]
    tables = {"customer_identities": links, "interactions": calls, "customers": people}
    found = answer(tmp_path, "journey service", tables)
    assert parts(found, "identified_share") == (1, 3)
    assert value(found, "case_volume", "big", "segment") == 1
    assert value(found, "case_volume", "(none)", "segment") == 2
    world = load(tmp_path, {"as_of": "2024-07-01"})
    assert world["interactions"]["contact_address"].isna().tolist() == [False, True, False]


def test_periods_are_local_and_fiscal(tmp_path: Path) -> None:
    """23:30 UTC on 31 March is 1 April in Berlin: the first day of a year that begins in April."""
    orders = [{"order_id": "1", "ordered_at": "2024-03-31 22:30", "gross_amount": 10}]
    found = answer(
        tmp_path, "orders", {"orders": orders}, reporting_timezone="Europe/Berlin", fiscal_year_start_month=4
    )
    starts = {grain: start for kpi, grain, start, dim, _ in found if (kpi, dim) == ("order_count", "overall")}
    assert starts == {
        **dict.fromkeys(("day", "month", "quarter", "year"), date(2024, 4, 1)),
        "week": date(2024, 4, 1),
        "all": ALL,
    }
    split = {grain for kpi, grain, _, dim, _ in found if (kpi, dim) == ("revenue", "product")}
    assert split == {"month", "quarter", "year", "all"}


def test_scores_on_their_scales(tmp_path: Path) -> None:
    """1..10 as it is, other scales mapped, reversed ones turned, off-scale scores removed."""
    asked = [
        ("nps", 9, 1, 10, False),
        ("nps", 90, 0, 100, False),
        ("nps", 2, 0, 10, True),
        ("nps", 11, 0, 10, False),
        ("ces", 2, 1, 5, True),
        ("csat", 4, None, None, None),
        ("csat", 1, 0, 1, None),
    ]
    names = ("survey_type", "score", "scale_min", "scale_max", "is_scale_reversed")
    rows = [
        {"response_id": str(i), "responded_at": "2024-01-01", **dict(zip(names, row, strict=True))}
        for i, row in enumerate(asked)
    ]
    found = answer(tmp_path, "surveys", {"survey_responses": rows})
    assert parts(found, "nps") == (2, 3)  # 8 of 0..10 is a passive
    assert parts(found, "csat") == (2, 2)
    assert value(found, "ces") == 5.5
    assert value(found, "ces_easy_share") == 1


TICKET = {"ticket_id": "t", "created_at": "2024-01-01 00:00", "customer_id": "c", "channel": "email"}


def changes(field: str, *events: tuple[str, str | None]) -> Table:
    """Ticket events of ticket t."""
    return [
        {"event_id": f"{field}{i}", "ticket_id": "t", "event_at": at, "field_name": field, "new_value": new}
        for i, (at, new) in enumerate(events)
    ]


def test_status_history_decides(tmp_path: Path) -> None:
    """Solved to closed is no new solve, an unknown code changes nothing, reopened is open again."""
    history = changes("status", ("2024-01-02", "solved"), ("2024-01-03", "limbo"), ("2024-01-05", "open"))
    history += [
        dict(row, event_id="z" + str(row["event_id"]))
        for row in changes("status", ("2024-01-08", "solved"), ("2024-01-09", "closed"))
    ]
    found = answer(tmp_path, "service", {"tickets": [{**TICKET, "status": "open"}], "ticket_events": history})
    assert value(found, "resolution_hours") == 7 * 24
    assert value(found, "reopen_rate") == 1
    days = [d for d in range(1, 12) if value(found, "backlog", grain="day", start=date(2024, 1, d)) == 1]
    assert days == [1, 5, 6, 7]
    assert value(found, "backlog", "3-7", "age_band", "day", date(2024, 1, 5)) == 1


def test_status_events_of_unknown_codes_are_a_history(tmp_path: Path) -> None:
    """They decide over the columns, and change nothing: the ticket is open. An event after as_of is none yet."""
    tickets = [{**TICKET, "status": "solved", "solved_at": "2024-01-03"}]
    tables = {"tickets": tickets, "ticket_events": changes("status", ("2024-01-02", "limbo"))}
    found = answer(tmp_path / "now", "service", tables)
    assert parts(found, "solved_rate") == (0, 1)
    assert value(found, "backlog") == 1
    tables["ticket_events"] = changes("status", ("2024-07-02", "limbo"))
    found = answer(tmp_path / "later", "service", tables)
    assert parts(found, "solved_rate") == (1, 1)
    assert value(found, "backlog") is None


def test_case_without_status_is_in_no_solved_rate(tmp_path: Path) -> None:
    """closed_at decides where the status is unknown; a known status needs no time to be solved."""
    tickets = [
        {**TICKET, "ticket_id": "a"},
        {**TICKET, "ticket_id": "b", "closed_at": "2024-01-02"},
        {**TICKET, "ticket_id": "c", "status": "solved"},
        {**TICKET, "ticket_id": "d", "status": "pending"},
    ]
    found = answer(tmp_path, "service", {"tickets": tickets})
    assert parts(found, "solved_rate") == (2, 3)
    assert found["resolution_hours", "all", ALL, "overall", "overall"].sample_size == 1
    assert value(found, "backlog") == 1


def test_first_response(tmp_path: Path) -> None:
    """Notes, automatic, spam, the asker's and bots' messages are none; a due case without any counts."""
    kinds: list[dict[str, Any]] = [
        {"author_type": "agent", "is_public": False},
        {"author_type": "agent", "is_auto_reply": True},
        {"author_type": "community", "author_id": "c"},
        {"author_type": "bot"},
        {"author_type": "agent", "is_spam": True},
        {"author_type": "community", "author_id": "x"},
    ]
    messages = [
        {"message_id": str(i), "ticket_id": "t", "sent_at": f"2024-01-01 0{i}:00", **kind}
        for i, kind in enumerate(kinds)
    ]
    tickets = [
        TICKET,
        {**TICKET, "ticket_id": "u"},
        {**TICKET, "ticket_id": "v", "created_at": "2024-06-30 22:00"},
    ]
    found = answer(tmp_path, "service", {"tickets": tickets, "ticket_messages": messages})
    assert value(found, "first_response_minutes") == 300
    assert parts(found, "first_response_within_target") == (0, 2)  # v has two hours left
    assert parts(found, "unanswered_rate") == (2, 3)


def test_answer_at_an_unknown_time(tmp_path: Path) -> None:
    """A call that was answered, nobody knows when: its ticket is answered and in no KPI of times."""
    calls = [call("1", "2024-01-01 10:00", outcome="answered", ticket_id="t")]
    note = {"message_id": "1", "ticket_id": "t", "sent_at": "2024-01-01 10:00", "author_type": "customer"}
    tables = {"tickets": [TICKET], "interactions": calls, "ticket_messages": [note]}
    found = answer(tmp_path, "service", tables)
    assert parts(found, "unanswered_rate") == (0, 1)
    assert parts(found, "first_response_within_target") is None
    assert value(found, "first_response_minutes") is None


@pytest.mark.parametrize(
    ("hours", "created", "answered", "minutes"),
    [
        (
            [("07:00", "09:00", 7)],
            "2024-03-31 00:00",
            "2024-03-31 06:30",
            90,
        ),  # summer time: opens at 05:00 UTC
        ([("01:00", "04:00", 7)], "2024-03-30 23:00", "2024-03-31 12:00", 120),  # the hour that is not
        ([("22:00", "02:00", 5)], "2024-03-01 20:00", "2024-03-02 00:30", 210),  # over night
        (
            [("08:00", "12:00", 1), ("10:00", "14:00", 1)],
            "2024-03-04 06:00",
            "2024-03-04 16:00",
            360,
        ),  # overlap
        ([("08:00", "12:00", 1)], "2024-03-11 06:00", "2024-03-18 08:00", 60),  # the 11th is a holiday
        ([("00:00", "24:00", 1)], "2024-03-03 12:00", "2024-03-05 12:00", 1440),
    ],
)
def test_business_minutes(tmp_path: Path, hours: list[Any], created: str, answered: str, minutes: float) -> None:
    """Open minutes in Europe/Berlin."""
    rows = [
        {"schedule_id": "s", "weekday": day, "opens_at": a, "closes_at": b, "timezone": "Europe/Berlin"}
        for a, b, day in hours
    ]
    message = {"message_id": "m", "ticket_id": "t", "sent_at": answered, "author_type": "agent"}
    tables: dict[str, Table] = {
        "tickets": [{**TICKET, "created_at": created, "schedule_id": "s"}],
        "ticket_messages": [message],
        "service_hours": rows,
        "service_holidays": [{"schedule_id": "s", "holiday_date": "2024-03-11"}],
    }
    assert value(answer(tmp_path, "service", tables), "first_response_business_minutes") == minutes


def test_schedule_change(tmp_path: Path) -> None:
    """From 12:00 on another schedule holds, which is open in the afternoon."""
    hours = [
        {"schedule_id": s, "weekday": 1, "opens_at": a, "closes_at": b}
        for s, a, b in (("early", "08:00", "18:00"), ("late", "14:00", "18:00"))
    ]
    moved = {
        "event_id": "e",
        "ticket_id": "t",
        "event_at": "2024-01-01 12:00",
        "field_name": "schedule",
        "old_value": "early",
        "new_value": "late",
    }
    message = {"message_id": "m", "ticket_id": "t", "sent_at": "2024-01-01 15:00", "author_type": "agent"}
    tables: dict[str, Table] = {
        "tickets": [{**TICKET, "schedule_id": "late"}],
        "ticket_events": [moved],
        "ticket_messages": [message],
        "service_hours": hours,
    }
    assert value(answer(tmp_path, "service", tables), "first_response_business_minutes") == 4 * 60 + 60


def call(name: str, at: str, **more: Any) -> dict[str, Any]:
    """A phone call."""
    return {"interaction_id": name, "channel": "phone", "started_at": at, "customer_id": "c", **more}


def test_queue(tmp_path: Path) -> None:
    """Answered by an agent, bots apart; short abandons; waits from the queue where not given and in order."""
    at = "2024-01-01 10:00"
    calls = [
        call("1", at, outcome="answered", queue_seconds=20, talk_seconds=60, hold_seconds=20, transfer_count=0),
        call("2", at, answered_at="2024-01-01 10:00:30", enqueued_at=at, talk_seconds=100, transfer_count=1),
        call("3", at, outcome="answered", agent_id="bot"),
        call("4", at, enqueued_at=at, ended_at="2024-01-01 10:00:05"),
        call("5", at, outcome="abandoned_in_queue"),
        call("6", at, outcome="answered", direction="outbound", talk_seconds=1000),
        call("7", at, outcome="answered", is_excluded=True),
        call("8", at, enqueued_at="2024-01-01 10:00:30", ended_at="2024-01-01 10:00:20"),
    ]
    found = answer(
        tmp_path,
        "service contacts",
        {"interactions": calls, "agents": [{"agent_id": "bot", "is_bot": True}]},
    )
    assert parts(found, "queue_abandonment_rate") == (3, 5)
    assert parts(found, "queue_abandonment_rate_net") == (2, 4)
    assert parts(found, "service_level") == (1, 5)
    assert parts(found, "speed_of_answer_seconds") == (50, 2)
    assert parts(found, "handle_seconds") == (180, 2)
    assert parts(found, "hold_share") == (20, 180)
    assert parts(found, "transfer_rate") == (1, 2)
    assert parts(found, "proactive_contact_share") == (1, 7)


def test_contacts_come_back(tmp_path: Path) -> None:
    """The call that opened a ticket is no other contact; exactly seven days after is a repeat, later is none."""
    calls = [
        call("1", "2024-01-01 10:00", outcome="answered", topic="a", ticket_id="t"),
        call("2", "2024-01-08 10:00", outcome="answered", topic="a", ended_at="2024-01-08 11:00"),
        call("3", "2024-01-15 10:01", outcome="answered", topic="b"),
    ]
    ticket = {**TICKET, "created_at": "2024-01-01 09:59", "channel": "phone", "topic": "a", "status": "solved"}
    found = answer(tmp_path, "service contacts journey", {"interactions": calls, "tickets": [ticket]})
    assert parts(found, "repeat_contact_rate") == (1, 3)
    assert parts(found, "case_volume") == (3, None)
    assert parts(found, "first_contact_resolution") == (3, 3)
    assert parts(found, "channel_switch_rate") == (0, 2)
    assert parts(found, "touches_per_issue") == (3, 2)


@pytest.mark.parametrize(
    ("channel", "created", "resolved"),
    [("phone", "09:59", 1), ("email", "09:59", 0), ("email", "10:00", 1)],
)
def test_contact_that_a_ticket_was_born_from(tmp_path: Path, channel: str, created: str, resolved: int) -> None:
    """It began by the creation or is of the ticket's channel; a call about an older message is another contact."""
    asked = call("1", "2024-01-01 10:00", outcome="voicemail", topic="a", ticket_id="t")
    ticket = {**TICKET, "created_at": f"2024-01-01 {created}", "channel": channel, "topic": "a", "status": "solved"}
    found = answer(tmp_path, "contacts", {"interactions": [asked], "tickets": [ticket]})
    assert parts(found, "first_contact_resolution") == (resolved, 1)


def test_automation(tmp_path: Path) -> None:
    """A leg an agent answers, or a later call of that customer, is no automation."""
    calls = [
        call("1", "2024-01-01", outcome="answered", handled_by="bot", customer_id=None),
        call("2", "2024-01-01", outcome="answered", handled_by="bot", customer_id=None),
        call(
            "3",
            "2024-01-01",
            outcome="answered",
            handled_by="agent",
            parent_interaction_id="2",
            customer_id=None,
        ),
        call("4", "2024-01-03", outcome="completed_in_ivr"),
        call("5", "2024-01-04", outcome="answered", handled_by="agent"),
    ]
    assert parts(answer(tmp_path, "contacts", {"interactions": calls}), "automation_share") == (1, 4)


def test_money(tmp_path: Path) -> None:
    """Refunds on their own day, rates by the inverse pair, a split by price, no rate no money."""
    orders = [
        {
            "order_id": "1",
            "ordered_at": "2024-01-31",
            "gross_amount": "110",
            "discount_amount": 10,
            "customer_id": "a",
        },
        {
            "order_id": "2",
            "ordered_at": "2024-01-31",
            "gross_amount": 50,
            "currency": "USD",
            "customer_id": "a",
        },
        {
            "order_id": "3",
            "ordered_at": "2024-01-31",
            "gross_amount": 50,
            "currency": "JPY",
            "customer_id": "b",
        },
        {
            "order_id": "4",
            "ordered_at": "2024-01-31",
            "gross_amount": 99,
            "status": "Cancelled",
            "customer_id": "b",
        },
    ]
    items = [
        {"order_id": "1", "line_number": n, "product_id": p, "quantity": 1, "unit_price": m}
        for n, p, m in ((1, "x", 30), (2, "y", 90))
    ]
    returns = [
        {
            "return_id": "1",
            "order_id": "1",
            "returned_at": "2024-02-10",
            "refund_amount": 20,
            "product_id": "x",
        },
        {"return_id": "2", "order_id": "4", "returned_at": "2024-02-10", "refund_amount": 99},
        {"return_id": "3", "returned_at": "2024-02-11", "refund_amount": 1},
    ]
    rates = [{"rate_date": "2024-01-30", "from_currency": "EUR", "to_currency": "USD", "rate": 1.25}]
    tables: dict[str, Table] = {
        "orders": orders,
        "order_items": items,
        "returns": returns,
        "exchange_rates": rates,
    }
    found = answer(tmp_path, "orders commerce", tables, reporting_currency="EUR")
    assert value(found, "order_count") == 3
    assert value(found, "average_order_value") == 70
    assert value(found, "revenue", grain="month", start=date(2024, 1, 1)) == 140
    assert value(found, "revenue", grain="month", start=date(2024, 2, 1)) == -21
    assert value(found, "revenue", "x", "product") == 5
    assert value(found, "revenue", "(none)", "product") == 39
    assert parts(found, "historical_clv") == (120, 1)  # b has no amount
    assert parts(found, "repeat_purchase_rate") == (1, 2)
    assert parts(found, "return_rate") == (1, 3)  # a null status is an unknown one


def test_activity(tmp_path: Path) -> None:
    """An order is active to the end of its window; a pause ends a subscription's activity."""
    orders = [{"order_id": "1", "ordered_at": "2024-01-10", "customer_id": "a"}]
    events = [
        {"event_id": str(i), "subscription_id": "s", "customer_id": "b", "event_at": at, "event_type": kind}
        for i, (at, kind) in enumerate((("2024-01-05", "start"), ("2024-03-01", "pause"), ("2024-04-10", "resume")))
    ]
    found = answer(tmp_path, "orders", {"orders": orders, "subscription_events": events}, activity_window_days=22)
    kept = {
        month: found.get(("customer_retention_rate", "month", date(2024, month, 1), "overall", "overall"))
        for month in range(1, 8)
    }
    assert {m: (r.numerator, r.denominator) for m, r in kept.items() if r} == {
        2: (1, 2),
        3: (0, 1),
        5: (1, 1),
        6: (1, 1),
    }


def test_recurring_revenue(tmp_path: Path) -> None:
    """opening + new + expansion + reactivation - contraction - churned = closing, per customer and net."""

    def event(name: str, at: str, kind: str, amount: float | None) -> dict[str, Any]:
        return {
            "event_id": name + at + kind,
            "subscription_id": name,
            "customer_id": name[0],
            "event_at": at,
            "event_type": kind,
            "mrr_amount": amount,
            "product_id": name[1],
        }

    events = [
        event("ax", "2024-01-05", "start", 100),
        event("ax", "2024-02-05", "change", 70),
        event("ay", "2024-01-05", "start", 10),
        event("ay", "2024-02-06", "change", 30),
        event("bx", "2024-01-05", "start", 50),
        event("bx", "2024-02-07", "cancel", None),
        event("cx", "2024-01-05", "start", 20),
        event("cx", "2024-01-06", "pause", None),
        event("cx", "2024-02-08", "resume", None),
        event("dx", "2024-02-09", "start", 500),
    ]
    found = answer(tmp_path, "members", {"subscription_events": events})
    cell = {
        k: found[k, "month", date(2024, 2, 1), "overall", "overall"]
        for k in ("revenue_churn_rate", "net_revenue_retention", "gross_revenue_retention")
    }
    assert {row.denominator for row in cell.values()} == {160}
    assert [row.numerator for row in cell.values()] == [50, 160 + 20 - 10 - 50, 100]
    assert value(found, "gross_revenue_retention", "y", "product", "month", date(2024, 2, 1)) == 1


def seen(name: str, at: str, kind: str = "page_view", **more: Any) -> dict[str, Any]:
    """A web event."""
    return {"event_id": name, "visitor_id": "v", "event_at": at, "event_name": kind, **more}


def test_sessions(tmp_path: Path) -> None:
    """Cut over 30 minutes of silence and nowhere else; bots and repeated rows of a page view do not count."""
    rows = [
        seen(
            "1",
            "2024-01-01 23:50",
            page_path="/a",
            page_view_id="p",
            referrer="https://www.google.com/",
            device_type="mobile",
            page_type="support_home",
        ),
        seen("2", "2024-01-01 23:51", page_path="/a", page_view_id="p"),
        seen("3", "2024-01-02 00:20", "page_ping"),
        seen("4", "2024-01-02 00:50", page_path="/b"),
        seen("5", "2024-01-02 01:20:01", page_path="/c", utm_source="mail"),
        seen("6", "2024-01-02 01:20:01", is_bot=True, visitor_id="w"),
        seen("7", "2024-01-02", session_id="s"),
    ]
    found = answer(tmp_path, "web", {"web_events": rows})
    assert value(found, "web_sessions") == 3
    assert parts(found, "bounce_rate") == (2, 3)
    assert parts(found, "pages_per_session") == (4, 3)
    assert parts(found, "exit_rate", "/b", "page") == (1, 1)
    assert value(found, "web_sessions", "www.google.com", "source") == 1
    assert value(found, "web_sessions", "mail", "source") == 1
    assert value(found, "organic_support_sessions", "mobile", "device") == 1


def test_vitals(tmp_path: Path) -> None:
    """Percentiles are continuous; the rows of one page view are one measurement."""
    rows = [
        seen(str(i), f"2024-01-01 10:0{i}", "web_vital", lcp_ms=lcp, page_view_id=page)
        for i, (lcp, page) in enumerate(((9000, "p"), (1000, "p"), (2000, None), (3000, None), (4000, None)))
    ]
    found = answer(tmp_path, "web", {"web_events": rows})
    assert value(found, "lcp_p75_ms") == 3250
    assert parts(found, "good_vitals_share") == (2, 4)


def test_self_service_and_calls(tmp_path: Path) -> None:
    """A call 24 hours after the session's end is still after it; one microsecond later is not."""
    pages = [
        seen("1", "2024-01-01 10:00", page_type="support_article", article_id="k", customer_id="c"),
        seen("2", "2024-01-01 10:10", "page_ping", engagement_ms=29_000, article_id="k"),
        seen("3", "2024-02-01 10:00", page_type="contact", customer_id="c"),
        seen("4", "2024-02-01 10:00:30", "site_search", search_term="help", search_result_count=0),
    ]
    calls = [call("1", "2024-01-02 10:10"), call("2", "2024-02-02 10:00:30.000001")]
    found = answer(tmp_path, "web journey", {"web_events": pages, "interactions": calls})
    assert parts(found, "self_service_success_rate") == (1, 2)
    assert parts(found, "support_abandonment_rate") == (1, 2)
    assert parts(found, "digital_to_call_rate") == (1, 2)
    assert parts(found, "calls_after_digital_share") == (1, 2)
    assert parts(found, "site_search_no_result_rate") == (1, 1)
    assert value(found, "digital_to_call_customers") == 1


def test_ctas_and_support_revenue(tmp_path: Path) -> None:
    """Clicked of shown once per session; value to the last click before; orders within 24 h after support."""
    pages = [
        seen(
            "1",
            "2024-01-01 10:00",
            page_type="support_article",
            article_id="k",
            customer_id="c",
            page_path="/k",
        ),
        seen("2", "2024-01-01 10:01", "cta_impression", cta_id="b", page_type="support_article", page_path="/k"),
        seen("3", "2024-01-01 10:02", "cta_click", cta_id="b", page_type="support_article", page_path="/k"),
        seen("4", "2024-01-01 10:03", "cta_impression", cta_id="d", page_path="/k"),
        seen("5", "2024-01-01 10:04", "lead", value_amount=30),
    ]
    orders = [
        {"order_id": "1", "customer_id": "c", "ordered_at": "2024-01-02 10:04", "gross_amount": 10},
        {"order_id": "2", "customer_id": "c", "ordered_at": "2024-01-02 10:05", "gross_amount": 10},
    ]
    found = answer(tmp_path, "web journey", {"web_events": pages, "orders": orders})
    assert parts(found, "cta_click_rate") == (1, 2)
    assert parts(found, "cta_value", "b", "cta") == (30, 1)
    assert value(found, "support_leads", "b", "cta") == 1
    assert value(found, "support_leads", "k", "article") == 1
    assert value(found, "support_assisted_revenue", "new", "new_or_repeat") == 10
    assert value(found, "support_assisted_revenue", "b", "cta") == 10


def test_carts(tmp_path: Path) -> None:
    """Bought exactly at the end of the wait is bought; a purchase after it is not; a young cart waits."""

    def event(cart: str, at: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"event_id": cart + at + kind, "cart_id": cart, "event_at": at, "event_type": kind, **more}

    events = [
        event("1", "2024-01-01 10:00", "add"),
        event("1", "2024-01-02 10:00", "purchase"),
        event("2", "2024-01-01 10:00", "add"),
        event("2", "2024-01-02 10:01", "purchase"),
        event("3", "2024-01-01 10:00", "add"),
        event("3", "2024-01-01 11:00", "checkout_start", checkout_step="pay"),
        event("4", "2024-06-30 10:00", "add"),
        event("5", "2024-01-01", "remove"),
        event("6", "2024-01-01 10:00", "add"),
        event("7", "2024-01-01 10:00", "checkout_start"),
    ]
    orders = [{"order_id": "1", "ordered_at": "2024-01-01 12:00", "cart_id": "6"}]
    found = answer(tmp_path, "commerce", {"cart_events": events, "orders": orders})
    assert parts(found, "cart_abandonment_rate") == (2, 4)
    assert parts(found, "checkout_abandonment_rate") == (2, 2)
    assert parts(found, "checkout_abandonment_rate", "pay", "last_step") == (1, 1)


def test_deliveries(tmp_path: Path) -> None:
    """On time to the end of the promised local day; late ones told before it ended; contacts on the way."""
    orders = [{"order_id": str(i), "ordered_at": "2024-01-01", "status": "delivered"} for i in (1, 2)]
    shipments = [
        {
            "shipment_id": "1",
            "order_id": "1",
            "promised_at": "2024-01-05",
            "shipped_at": "2024-01-02",
            "delivered_at": "2024-01-05 22:59",
        },
        {
            "shipment_id": "2",
            "order_id": "2",
            "promised_at": "2024-01-05",
            "shipped_at": "2024-01-02",
            "delivered_at": "2024-01-05 23:00",
        },
    ]
    told = {
        "event_id": "e",
        "shipment_id": "2",
        "event_at": "2024-01-05 22:00",
        "status": "exception",
        "is_customer_notified": True,
    }
    asked = [call("1", "2024-01-05 23:00", order_id="2"), call("2", "2024-01-05 23:00", order_id="1")]
    returns = [
        {"return_id": "1", "order_id": "1", "returned_at": "2024-01-31", "reason": "late"},
        {"return_id": "2", "order_id": "2", "returned_at": "2024-02-01", "reason": "damaged"},
    ]
    tables: dict[str, Table] = {
        "orders": orders,
        "shipments": shipments,
        "shipment_events": [told],
        "interactions": asked,
        "returns": returns,
    }
    found = answer(tmp_path, "commerce", tables, reporting_timezone="Europe/Berlin")
    assert parts(found, "on_time_delivery_rate") == (1, 2)
    assert parts(found, "proactive_notice_rate") == (1, 1)
    assert value(found, "wismo_rate") == 50
    assert parts(found, "return_rate") == (1, 2)
    assert parts(found, "defect_rate") == (0, 2)


def test_presence(tmp_path: Path) -> None:
    """A status lasts to the agent's next one on the channel or on every one, at most 24 hours."""
    hours = [
        {"schedule_id": "s", "weekday": d, "opens_at": "00:00", "closes_at": "24:00", "channel": "chat"}
        for d in range(1, 8)
    ]
    statuses = [
        {"agent_id": "a", "started_at": "2024-01-01 00:00", "status": "online"},
        {"agent_id": "a", "started_at": "2024-01-01 06:00", "status": "busy", "channel": "chat"},
        {"agent_id": "a", "started_at": "2024-01-01 12:00", "status": "offline"},
        {"agent_id": "a", "started_at": "2024-01-02 00:00", "status": "online", "channel": "chat"},
    ]
    views = [seen(str(h), f"2024-01-01 {h:02}:00") for h in (0, 5, 6, 13)]
    done = [call("1", "2024-01-01 01:00", channel="chat", outcome="answered", agent_id="a", talk_seconds=3600)]
    tables: dict[str, Table] = {
        "service_hours": hours,
        "agent_status_events": statuses,
        "web_events": views,
        "interactions": done,
    }
    found = answer(tmp_path, "availability", tables, as_of="2024-01-05")
    assert parts(found, "staffed_share") == (36 * 60, 96 * 60)
    assert parts(found, "available_share") == (30 * 60, 96 * 60)
    assert parts(found, "available_share", "6", "hour_of_day") == (60, 4 * 60)
    assert parts(found, "chat_presence") == (2, 4)
    assert parts(found, "occupancy") == (3600, 36 * 3600)
    assert parts(found, "contacts_per_agent_hour", "a", "agent") == (1, 36)


def test_uptime(tmp_path: Path) -> None:
    """The last check holds for 24 hours at most; service hours cut an interval."""
    checks = [
        {"monitor_id": "m", "checked_at": "2024-01-01 09:30", "is_up": False},
        {"monitor_id": "m", "checked_at": "2024-01-01 10:30", "is_up": True},
    ]
    hours = [{"schedule_id": "s", "weekday": 1, "opens_at": "10:00", "closes_at": "11:00"}]
    found = answer(tmp_path, "availability", {"uptime_checks": checks, "service_hours": hours})
    assert parts(found, "uptime") == (24 * 3600, 25 * 3600)
    assert parts(found, "uptime", "true", "in_service_hours") == (1800, 3600)
    assert value(found, "incident_minutes") == 60
    assert value(found, "incident_minutes", grain="day", start=date(2024, 1, 1)) == 60


def test_search_breakdown(tmp_path: Path) -> None:
    """Of the breakdowns of one day the finest counts; pages that are no support page do not."""
    rows = [
        {"report_date": "2024-01-01", "clicks": 100, "impressions": 1000},
        {
            "report_date": "2024-01-01",
            "clicks": 3,
            "impressions": 10,
            "page_path": "/k",
            "average_position": 2,
        },
        {
            "report_date": "2024-01-01",
            "clicks": 5,
            "impressions": 30,
            "page_path": "/x",
            "average_position": 6,
        },
        {
            "report_date": "2024-01-01",
            "clicks": 7,
            "impressions": 30,
            "page_path": "/shop",
            "average_position": 1,
        },
        {"report_date": "2024-01-01", "clicks": 9, "impressions": 99, "query": "q"},
    ]
    articles = [
        {"article_id": "k", "url_path": "/k", "published_at": "2023-01-01", "topic": "t"},
        {"article_id": "l", "url_path": "/l", "published_at": "2024-01-01", "archived_at": "2024-01-01"},
    ]
    pages = [seen("1", "2024-01-01", page_path="/shop", page_type="product")]
    found = answer(
        tmp_path,
        "knowledge",
        {"search_performance": rows, "knowledge_articles": articles, "web_events": pages},
    )
    assert parts(found, "organic_clicks") == (8, None)
    assert parts(found, "organic_ctr") == (8, 40)
    assert value(found, "organic_position") == 5
    assert parts(found, "article_search_visibility") == (1, 1)


def test_ads(tmp_path: Path) -> None:
    """People once per campaign; an order after a click is no view's; a visit is engaged or not."""

    def ad(name: str, at: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"event_id": name, "campaign_id": "k", "event_at": at, "event_type": kind, **more}

    ads = [
        ad("1", "2024-01-01 10:00", "impression", visitor_id="v"),
        ad("2", "2024-01-02", "impression", visitor_id="v"),
        ad("3", "2024-01-01 10:00", "impression", customer_id="c"),
        ad("4", "2024-01-01 10:00", "click", visitor_id="w"),
        ad("5", "2024-01-01 10:00", "click", click_id="g", campaign_id="j", customer_id="c", cost_amount=4),
        ad("6", "2024-01-01 10:00", "impression", visitor_id="x", is_viewable=False),
    ]
    pages = [
        seen("1", "2024-01-08 10:00"),
        seen("2", "2024-01-01 10:30", visitor_id="w"),
        seen("3", "2024-01-01 10:31", "lead", visitor_id="w"),
        seen("4", "2024-01-01 10:00:05", visitor_id="z", click_id="g"),
    ]
    orders = [{"order_id": "1", "ordered_at": "2024-01-05", "customer_id": "c"}]
    costs = [{"cost_date": "2024-01-01", "campaign_id": "k", "cost_amount": 12}]
    found = answer(
        tmp_path,
        "journey",
        {"ad_events": ads, "web_events": pages, "orders": orders, "campaign_costs": costs},
    )
    assert parts(found, "post_click_engaged_rate") == (1, 2)
    assert parts(found, "unengaged_click_cost_share") == (4, 16)
    assert parts(found, "cost_per_engaged_visit") == (12, 1)
    assert parts(found, "post_click_conversion_rate") == (1, 2)
    assert parts(found, "view_through_visit_rate") == (1, 2)
    assert parts(found, "view_through_conversion_rate") == (0, 2)


def test_loyalty(tmp_path: Path) -> None:
    """Members from enroll to leave; who left in the period is in neither part."""
    rows = [
        {
            "event_id": str(i),
            "customer_id": who,
            "program_id": "p",
            "event_at": at,
            "event_type": kind,
            "points": points,
            "reward_type": reward,
        }
        for i, (who, at, kind, points, reward) in enumerate(
            (
                ("a", "2024-01-01", "enroll", None, None),
                ("a", "2024-01-02", "earn", 100, None),
                ("a", "2024-02-03", "redeem", 40, "cup"),
                ("b", "2024-01-01", "earn", 100, None),
                ("b", "2024-02-02", "redeem", 10, "pen"),
                ("b", "2024-02-03", "leave", None, None),
                ("b", "2024-02-04", "expire", 90, None),
            )
        )
    ]
    found = answer(tmp_path, "members", {"loyalty_events": rows})
    assert parts(found, "loyalty_redemption_rate") == (50, 200)
    assert parts(found, "loyalty_redemption_rate", "cup", "reward_type") == (40, 200)
    assert parts(found, "points_expiry_rate") == (90, 200)
    share = ("loyalty_redeemer_share", "overall", "overall", "month")
    assert [value(found, *share, date(2024, m, 1)) for m in (1, 2, 3)] == [0, 1, 0]
    assert parts(found, "loyalty_active_share") == (1, 1)


def test_listening(tmp_path: Path) -> None:
    """Fatigue, delivery, straight lines, speed, follow-up and recovery."""
    asked = [
        {
            "invitation_id": str(d),
            "survey_id": "s",
            "survey_type": "nps",
            "customer_id": "c",
            "sent_at": f"2024-01-{d:02}",
            "delivered_at": None if d == 1 else f"2024-01-{d:02}",
        }
        for d in (1, 10, 20, 30)
    ]
    asked += [{**row, "invitation_id": f"d{row['invitation_id']}", "customer_id": "d"} for row in asked[1:]]
    said: Table = [
        {
            "response_id": "r",
            "survey_id": "s",
            "question_id": str(q),
            "survey_type": "csat",
            "responded_at": "2024-02-01 00:01",
            "started_at": "2024-02-01 00:00",
            "score": 1,
            "is_complete": q == 1,
            "customer_id": "c",
            "invitation_id": "10",
        }
        for q in range(4)
    ]
    said += [
        {
            "response_id": r,
            "survey_id": "s",
            "survey_type": "nps",
            "responded_at": at,
            "started_at": since,
            "score": score,
            "customer_id": "c",
        }
        for r, since, at, score in (
            ("x", "2024-03-01 00:00", "2024-03-01 00:10", 3),
            ("y", "2024-04-01 00:00", "2024-04-01 00:10", 8),
        )
    ]
    back = [call("1", "2024-03-03 00:10", direction="outbound")]
    found = answer(tmp_path, "listening", {"survey_invitations": asked, "survey_responses": said, "interactions": back})
    assert parts(found, "survey_fatigue_rate") == (1, 2)
    assert parts(found, "survey_response_rate") == (1, 6)
    assert parts(found, "survey_completion_rate") == (1, 1)
    assert value(found, "survey_minutes") == 1
    assert parts(found, "careless_response_rate") == (1, 3)
    assert parts(found, "detractor_follow_up_rate") == (1, 5)
    assert parts(found, "detractor_recovery_rate") == (1, 1)


def test_knowledge(tmp_path: Path) -> None:
    """Articles written and used per solved case; neither a suggestion nor an article's own case is a use."""
    tickets = [{**TICKET, "ticket_id": t, "status": "solved", "solved_at": "2024-02-01", "topic": "a"} for t in "tuv"]
    articles = [
        {"article_id": "1", "topic": "a", "published_at": "2023-01-01", "source_ticket_id": "t"},
        {"article_id": "2", "topic": "b", "published_at": "2024-03-01"},
    ]
    links = [
        {"ticket_id": t, "article_id": "1", "linked_at": "2024-02-01", "link_type": kind}
        for t, kind in (("t", "used"), ("u", None), ("u", "attached"), ("v", "suggested"))
    ]
    written = [
        {"event_id": str(i), "article_id": "1", "event_at": "2024-01-01", "event_type": kind, "actor_id": "a"}
        for i, kind in enumerate(("create", "edit", "review"))
    ]
    tables: dict[str, Table] = {
        "tickets": tickets,
        "knowledge_articles": articles,
        "ticket_articles": links,
        "article_events": written,
    }
    found = answer(tmp_path, "knowledge contacts", tables)
    assert parts(found, "knowledge_link_rate") == (2, 3)
    assert parts(found, "article_reuse") == (1, 2)
    assert value(found, "article_reuse", grain="month", start=date(2024, 2, 1)) == 1
    assert value(found, "knowledge_contribution_rate") == round(100 / 3, 6)
    assert parts(found, "content_gap_share") == (0, 3)


def test_stock_reviews_quality_audits(tmp_path: Path) -> None:
    """The last snapshot of a day, rating before sentiment, a score on its scale, the latest audit."""
    stock: Table = [
        {"snapshot_at": at, "product_id": "p", "location_id": "l", "on_hand_quantity": n}
        for at, n in (("2024-01-01 08:00", 5), ("2024-01-01 20:00", 0), ("2024-01-02", 1))
    ]
    reviews: Table = [
        {
            "platform": "x",
            "review_id": "1",
            "posted_at": "2024-01-01",
            "rating": 2,
            "replied_at": "2024-01-02",
        },
        {"platform": "x", "review_id": "2", "posted_at": "2024-01-01", "sentiment": "Negative"},
        {"platform": "x", "review_id": "3", "posted_at": "2024-01-01"},
    ]
    quality = [{"review_id": "1", "scored_at": "2024-01-01", "score": 80, "interaction_id": "1"}]
    audits = [
        {"page_path": "/k", "form_factor": "mobile", "audited_at": f"2024-01-0{d}", "performance_score": s}
        for d, s in ((1, 0.2), (2, 0.6), (3, 7))
    ]
    calls = [call("1", "2024-01-01", outcome="answered"), call("2", "2024-01-01", outcome="answered")]
    tables: dict[str, Table] = {
        "inventory_snapshots": stock,
        "reviews": reviews,
        "quality_reviews": quality,
        "page_audits": audits,
        "interactions": calls,
    }
    found = answer(tmp_path, "commerce listening contacts knowledge", tables)
    assert parts(found, "stockout_rate") == (1, 2)
    assert value(found, "review_rating") == 2
    assert parts(found, "review_negative_share") == (2, 2)
    assert parts(found, "review_reply_rate") == (1, 3)
    assert value(found, "quality_score", "overall", "criterion") == 0.8
    assert parts(found, "quality_review_coverage") == (1, 2)
    assert value(found, "mobile_score") == 0.6
