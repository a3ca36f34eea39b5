"""What is published says nobody's name, address or words, holds nobody who asked to be erased, and obeys no text.

One company with planted people and hostile text in every column that takes text is built; then one of the people asks
to be erased, and it is built again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outside_in.building import BuildError, read_vars
from outside_in.contract import LANDED_AT, raw_tables
from outside_in.sample import generate
from tests.conftest import Built, build, outside_in
from tests.fuzz import HOSTILE, fresh_column

Row = dict[str, Any]
# Every planted value of a person is told apart by what it was planted in, and holds this.
MARK = "kowalska"
ERASED = "erased-person-77"
DEVICE, ADDRESS = f"device-of-{ERASED}", f"address-of-{ERASED}"
FILE_NAME = "it's [bold]a' ; drop table x; --.jsonl"


def personal(column: str) -> str:
    """A planted value of a person."""
    return f"Maria.{MARK}+{column}@example.org, 0048 600 100 200"


def planted(at: str) -> dict[str, list[Row]]:
    """Rows of two people who leave what is personal in every column made for it; one of them will be erased."""
    words = {name: personal(name) for name in ("subject", "body", "comment", "user_agent", "contact_address")}
    found: dict[str, list[Row]] = {}

    def add(table: str, **row: Any) -> None:
        columns = raw_tables()[table].columns
        found.setdefault(table, []).append({**{c: v for c, v in words.items() if c in columns}, **row})

    add("agents", agent_id="planted-agent", agent_name=personal("agent_name"), team="blue")
    for who, device, address in ((ERASED, DEVICE, ADDRESS), ("known-person", "device-2", personal("address"))):
        mine = {"customer_id": who}
        add("customers", **mine, created_at="2026-01-01", country="PL")
        for kind, value in (("visitor_id", device), ("contact_address", address), ("email", personal("email"))):
            add("customer_identities", **mine, identity_type=kind, identity_value=value, linked_at="2026-01-02",
                unlinked_at="never" if kind == "email" else None)  # fmt: skip
        web = {"visitor_id": device, "event_at": at, "session_id": f"session {who}", **mine}
        add(
            "web_events",
            **web,
            event_id=f"{who} 1",
            event_name="page_view",
            page_path=f"/reset?email={personal('path')}",
        )
        add("web_events", **web, event_id=f"{who} 2", event_name="site_search", search_term=personal("search_term"))
        add("web_events", **web, event_id=f"{who} 3", event_name="page_view", page_title=personal("page_title"),
            page_path="/", referrer=f"https://mail.example/?to={personal('referrer')}")  # fmt: skip
        add("orders", **mine, order_id=f"o {who}", ordered_at=at, visitor_id=device, gross_amount=10, currency="EUR")
        add("cart_events", **mine, event_id=f"c {who}", cart_id="c", event_at=at, event_type="add", visitor_id=device)
        add("tickets", **mine, ticket_id=f"t {who}", created_at=at, contact_address=address, channel="email")
        add(
            "ticket_messages",
            message_id=f"m {who}",
            ticket_id=f"t {who}",
            sent_at=at,
            author_type="customer",
            author_id=who,
        )
        add("interactions", **mine, interaction_id=f"i {who}", channel="phone", started_at=at, contact_address=address)
        add(
            "interactions",
            interaction_id=f"j {who}",
            channel="phone",
            started_at="then",
            contact_address=address,
            **mine,
        )
        add("survey_invitations", **mine, invitation_id=f"s {who}", survey_type="nps", sent_at=at)
        add("survey_responses", **mine, response_id=f"s {who}", survey_type="nps", responded_at=at, score=99)
        add("reviews", **mine, platform="p", review_id=f"r {who}", posted_at=at, rating=99)
        add(
            "subscription_events",
            **mine,
            event_id=f"u {who}",
            subscription_id=f"sub {who}",
            event_at=at,
            event_type="start",
        )
        add("loyalty_events", **mine, event_id=f"l {who}", event_at=at, event_type="enroll", program_id="p")
        add("ad_events", event_id=f"a {who}", event_at=at, event_type="click", campaign_id="x", visitor_id=device)
    return found


def hostile(raw: Path) -> dict[str, list[Row]]:
    """A clean row of each table with hostile text wherever text can be, and again with times that hardly can be."""
    found: dict[str, list[Row]] = {}
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for number, (name, table) in enumerate(raw_tables().items()):
            files = f"read_parquet('{raw}/{name}/part*.parquet', union_by_name = true)"
            result = con.execute(f"select {', '.join(table.columns)}, {LANDED_AT} from {files} limit 1")
            row = dict(zip([each[0] for each in result.description], result.fetchall()[0], strict=True))
            texts = [c for c, kind in table.columns.items() if kind == "varchar" and c not in table.codes]
            # Without a clock time opening hours are rejected.
            free = {*texts} - {*table.key, "currency", "from_currency", "to_currency", "closes_at"}
            key = fresh_column(table)
            found[name] = [
                {**row, **dict.fromkeys(free, text), key: f"{number} {text}"}
                for number, text in enumerate(HOSTILE[number % 3 :: 3])
            ]
            if table.own_time and table.columns[table.own_time] == "timestamp":
                # One row of 1970 makes the calendar as long as many do.
                times = [
                    *(["1970-01-01"] if name == "tickets" else []),
                    "2026-03-29T02:30:00+02:00",
                    "2026-10-25 01:30:00 Europe/Berlin",
                    "9999-12-31",
                ]
                found[name] += [{**row, key: f"time {at}", table.own_time: at} for at in (*times, 1767225600000)]
    return found


def write(raw: Path, tables: dict[str, list[Row]], name: str) -> None:
    """One file of JSON lines per table."""
    for table, rows in tables.items():
        (raw / table).mkdir(exist_ok=True)
        (raw / table / name).write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The company, built while nobody has asked to be erased."""
    folder = tmp_path_factory.mktemp("privacy")
    raw = generate(folder / "raw", customers=100, days=365).out
    with duckdb.connect() as con:
        (last,) = con.execute(f"select max(ordered_at) from '{raw}/orders/part*.parquet'").fetchall()[0]
    at = datetime.fromisoformat(str(last)) - timedelta(days=9)
    write(raw, hostile(raw), FILE_NAME)
    write(raw, planted(str(at)), "planted.jsonl")
    vars_file = folder / "vars.yml"
    vars_file.write_text(f"as_of: '{last}'\n")
    built = build(raw, folder / "out", vars_file)
    assert outside_in("scorecard", "--out", built.out).returncode == 0
    yield built


def holders(built: Built, *marks: str) -> list[str]:
    """Where any of the marks is among all that is published or written for people: tables with columns, and files."""
    found = []
    for path in sorted(path for path in built.out.rglob("*") if path.is_file() and "build" not in path.parts):
        if path.suffix == ".parquet":
            (text,) = duckdb.execute(
                "select string_agg(cast(t as varchar), '') from read_parquet(?) as t", [str(path)]
            ).fetchall()[0]
            found += [f"{path.relative_to(built.out)}: {mark}" for mark in marks if mark in (text or "")]
            continue
        if path.suffix != ".duckdb":
            content = path.read_bytes()
            found += [f"{path.relative_to(built.out)}: {mark}" for mark in marks if mark.encode() in content]
            continue
        with duckdb.connect(str(path), read_only=True) as con:
            for schema, table, column in con.execute(
                "select schema_name, table_name, column_name from duckdb_columns() where not internal"
            ).fetchall():
                text = f'cast("{column}" as varchar)'
                hits = " or ".join(f"contains({text}, '{mark}')" for mark in marks)
                (count,) = con.execute(f'select count(*) from "{schema}"."{table}" where {hits}').fetchall()[0]
                found += [f"{table}.{column}: {count} rows"] if count else []
    return found


def test_nothing_published_says_who_somebody_is_or_what_they_wrote(company: Built) -> None:
    with company.warehouse as con:
        assert con.execute(
            "select count(*) from staging.base_raw__tickets where subject like '%Maria%'"
        ).fetchall() != [(0,)]
    assert holders(company, MARK, "0048 600") == []


def test_hostile_text_is_kept_as_text(company: Built) -> None:
    with company.warehouse as con:
        for name, table in raw_tables().items():
            key = fresh_column(table)
            # Whatever the case of its letters: currencies are written in capitals.
            query = (
                f"select count(*) from staging.stg_raw__{name} where {key} ilike '% drop %' or {key} ilike '%script>%'"
            )
            assert con.execute(query).fetchall() != [(0,)], name
    with company.marts as con:
        assert con.execute("select bool_and(is_balanced) from marts.data_quality_reconciliation").fetchall() == [
            (True,)
        ]
    for page in company.out.rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<script>alert" not in text and "\x1b" not in text, page.name


def test_whoever_asked_to_be_erased_is_in_no_mart_after_the_next_build(company: Built) -> None:
    assert any(where.startswith("fct_") for where in holders(company, ERASED)), "they were there before"
    row = {"customer_id": ERASED, "deleted_at": "2026-01-03", LANDED_AT: "2030-01-01"}
    write(company.raw, {"customers": [row]}, "erased.jsonl")

    def total(built: Built) -> Any:
        with built.marts as con:
            return con.execute("select count(*), count(distinct ticket_id) from marts.fct_tickets").fetchall()

    before = total(company)
    built = build(company.raw, company.out, company.out.parent / "vars.yml")
    assert outside_in("scorecard", "--out", built.out).returncode == 0
    # Ids of what they did hold their name in this company only to see where they are; links to them are what must go.
    left = [where for where in holders(built, f'"{ERASED}', DEVICE, ADDRESS) if not where.startswith("data_quality")]
    assert left == []
    with built.marts as con:
        columns = con.execute(
            "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and schema_name = 'marts'"
        ).fetchall()
        for table, column in columns:
            query = f'select count(*) from marts."{table}" where "{column}" in (?, ?, ?) or "{column}" like ?'
            found = con.execute(query, [ERASED, DEVICE, ADDRESS, f'%"{ERASED}"%']).fetchall()
            assert found == [(0,)], (table, column)
    assert total(built) == before, "what they did still counts"
    with built.warehouse as con:  # nor does any layer hand on what said who they were
        for table, key, shown in (
            ("tickets", "ticket_id", "contact_address, subject"),
            ("orders", "order_id", "visitor_id"),
            ("survey_responses", "response_id", "comment"),
        ):
            kept = con.execute(
                f"select customer_id, {shown} from staging.stg_raw__{table} where {key} like '% {ERASED}'"
            ).fetchall()
            assert kept and not any(value for each in kept for value in each), table


@pytest.mark.parametrize(
    "text",
    [
        'reporting_timezone: "UTC\' ; drop schema marts; --"\n',
        "minimum_sample: '1) or (1=1'\n",
        'reporting_currency: "E\'; --"\n',
        "as_of: \"2026-01-01' or '1\"\n",
        "tracking_required_statuses: [\"a') or ('1'='1\"]\n",
        'survey_fatigue: {"days\' --": 1}\n',
        "survey_fatigue: {days: '30; drop'}\n",
        "minimum_sample: .inf\n",
        "clv_fitted_customers: 50000 offset 1\n",
        "session_timeout_minutes: true\n",
    ],
)
def test_a_var_cannot_become_sql(text: str, tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text(text)
    with pytest.raises(BuildError, match=f"{text.split(':')[0]} must be"):
        read_vars(file)
