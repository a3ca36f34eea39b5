"""A company whose files change at random, and the proof that tables kept from run to run are what a full refresh gives.

A sequence is a list of rounds. Each changes some files, vars or the date, runs dbt on a database that is kept (as a
whole, twice, some models first, killed or failing half-way and run again), and may compare every table with a fresh
database made from the same files. `python -m tests.arrivals 50` tries fifty sequences on the models of the web,
`--family service` on others, `--replay TEXT` one of them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from outside_in.contract import DELETED, LANDED_AT, raw_tables
from outside_in.paths import PROJECT
from outside_in.sample import generate
from tests.fuzz import Row, encode


@dataclass(frozen=True)
class Family:
    """Models that are tried together.

    Attributes:
        models: which; those that they are made from come with them.
        tables: those that change half of the time.
        changes: those that happen most.
        customers: of the company, so many that there is something in the tables.
        persons: whose everything is that has a customer, so few that one has many rows; as it is where 0.
    """

    models: tuple[str, ...]
    tables: tuple[str, ...]
    changes: tuple[str, ...]
    customers: int = 50
    persons: int = 0


def parts(*facts: str) -> tuple[str, ...]:
    """The models with the parts of the KPIs of facts."""
    return tuple(f"kpi_parts__{fact}" for fact in facts)


ROWS_CHANGE = ("late", "corrections", "retimed", "relinked-rows", "recoded", "tombstones", "identities", "erasures")
FAMILIES = {
    "web": Family(
        parts(
            "sessions", "page_views", "page_speeds", "site_searches", "web_leads", "cta_clicks", "cta_exposures",
            "support_sessions", "digital_touches", "article_votes",
        ),
        ("web_events",),
        ("next-day", "late", "corrections", "relinked", "bridges"),
    ),
    "commerce": Family(
        (
            *parts(
                "carts", "checkouts", "orders", "order_products", "order_categories", "ordering_customers", "returns",
                "shipments", "ad_clicks", "ad_people", "assisted_orders", "assisted_order_categories",
            ),
            "clv_histories", "clv_order_values",
        ),
        (
            "cart_events", "orders", "order_items", "returns", "shipments", "shipment_events", "ad_events",
            "exchange_rates", "web_events",
        ),
        (*ROWS_CHANGE, "next-day", "rates"),
        customers=200,
    ),
    "service": Family(
        (
            *parts(
                "interactions", "contacts", "cases", "issues", "service_demand", "shipped_orders",
                "survey_invitations", "survey_responses", "survey_submissions", "survey_submission_types",
            ),
            "fct_replies", "int_tickets__open_spans",
        ),
        (
            "interactions", "tickets", "ticket_events", "ticket_messages", "ticket_articles", "quality_reviews",
            "survey_invitations", "survey_responses", "knowledge_articles", "shipments",
        ),
        (*ROWS_CHANGE, "next-day", "subjects", "followed-up", "asked-again", "legs", "described"),
        customers=600,
        persons=60,
    ),
    "medians": Family(
        ("kpi_cells__quantiles",),
        (
            "web_events", "orders", "returns", "shipments", "tickets", "ticket_messages", "interactions",
            "survey_responses",
        ),
        (*ROWS_CHANGE, "next-day", "measurements"),
        customers=200,
    ),
}  # fmt: skip
FORMATS = ("parquet", "parquet", "parquet", "csv", "jsonl")
BOOKKEEPING = ("raw", "changes", "kept", "seeds")
SHOWN = 5
DAYS, ARRIVED_DAYS = 30, 18
MOST_ROWS = 1500  # of a table, so that runs take seconds
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Each with the default last.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "session_timeout_minutes": (10, 90, 45, 30),
    "engaged_session_seconds": (2, 60, 10),
    "digital_to_call_window_hours": (1, 240, 24),
    "reporting_timezone": ("America/New_York", "Asia/Kolkata", "UTC"),
}


@dataclass
class Company:
    """The raw files of a company, those that will come, and the vars of the next run.

    Attributes:
        raw: the raw directory.
        files: rows by file, `<table>/<name>`. Rows are never changed in place.
        modified: when each file was last written, which lands rows that do not say when they were landed.
        days: rows by table that land on each of the days to come.
        held: rows that come late.
        gone: files that were taken away.
        clock: the time; it moves with each file.
        vars: of the next run.
        touched: files of the start that are no longer what they were.
        tables: those that change.
        often: those among them that change half of the time.
    """

    raw: Path
    tables: tuple[str, ...]
    often: tuple[str, ...]
    files: dict[str, list[Row]] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    days: list[dict[str, list[Row]]] = field(default_factory=list)
    held: list[tuple[str, Row]] = field(default_factory=list)
    gone: dict[str, list[Row]] = field(default_factory=dict)
    clock: datetime = datetime(2026, 1, 1)
    vars: dict[str, Any] = field(default_factory=dict)
    written: int = 0

    def found(self, folder: Path, family: Family) -> None:
        """Generate a company for a family and write what has arrived when the first sequence starts."""
        sample = generate(folder / "sample", customers=family.customers, days=DAYS).out
        comes: dict[date, dict[str, list[Row]]] = {}
        starts: dict[str, list[Row]] = {}
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            first = date(2026, 6, 30) - (DAYS - 1) * DAY
            for name, table in raw_tables().items():
                others = []
                if name == "web_events":  # half of the visitors have no session ids: their sessions are cut
                    others.append("case when hash(visitor_id) % 2 = 0 then session_id end as session_id")
                if family.persons and "customer_id" in table.columns and "customer_id" not in table.key:
                    person = f"cast(1 + hash(customer_id) % {family.persons} as int)"
                    ids = f"(select list(customer_id order by customer_id) from '{sample}/customers/*.parquet')"
                    others.append(f"case when customer_id is not null then {ids}[{person}] end as customer_id")
                cut = f"replace ({', '.join(others)})" if others else ""
                key = ", ".join(table.key)
                found = con.execute(
                    f"select * {cut} from read_parquet('{sample}/{name}/*.parquet', union_by_name = true)"
                    f" order by hash({key}), {LANDED_AT} limit {MOST_ROWS}"
                )
                names = [column[0] for column in found.description]
                for number, values in enumerate(found.fetchall()):
                    row = dict(zip(names, values, strict=True))
                    landed: datetime | None = row.get(LANDED_AT)
                    if landed is None or landed.date() < first + ARRIVED_DAYS * DAY:
                        if number % 9 or name in ("customers", "customer_identities"):
                            starts.setdefault(name, []).append(row)
                        else:
                            self.held.append((name, row))
                    else:
                        comes.setdefault(landed.date(), {}).setdefault(name, []).append(row)
        shutil.rmtree(sample)
        self.days = [comes[day] for day in sorted(comes)]
        self.clock = datetime.combine(first + ARRIVED_DAYS * DAY, datetime.min.time())
        for name, rows in starts.items():
            half = len(rows) // 2
            self.write(f"{name}/start.parquet", rows[half:])
            if half:
                self.write(f"{name}/start.csv", rows[:half])

    @property
    def as_of(self) -> datetime:
        """About the time up to which things are known."""
        if "as_of" in self.vars:
            return datetime.fromisoformat(self.vars["as_of"])
        known = [self.clock - 30 * DAY]
        for name in self.files:
            own = raw_tables()[table_of(name)].own_time
            for row in self.files[name] if own else []:
                at, landed = row.get(own or ""), row.get(LANDED_AT) or self.modified[name]
                if isinstance(at, datetime) and at <= landed + DAY:
                    known.append(at)
        return max(known)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table as they lie in its files."""
        return [row for name in sorted(self.files) if table_of(name) == table for row in self.files[name]]

    def write(self, name: str, rows: list[Row]) -> None:
        """Write a file, in the place of one of that name."""
        self.clock += MINUTE
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(raw_tables()[table_of(name)], rows, name.split(".", 1)[1]))
        self.date(name, self.clock)
        self.files[name] = rows

    def date(self, name: str, modified: datetime) -> None:
        """Say when a file was last written."""
        self.modified[name] = modified
        nanoseconds = int(modified.replace(tzinfo=UTC).timestamp()) * 1_000_000_000
        os.utime(self.raw / name, ns=(nanoseconds, nanoseconds))

    def add(self, table: str, rows: list[Row], chance: Random, file_format: str = "") -> None:
        """Rows arrive in a file of their own."""
        if rows:
            self.written += 1
            self.write(f"{table}/{self.written:03}.{file_format or chance.choice(FORMATS)}", rows)

    def again(self, table: str, rows: list[Row], chance: Random, **values: object) -> None:
        """Rows arrive once more and later, with other values."""
        self.add(table, [{**row, LANDED_AT: self.clock, **values} for row in rows], chance)

    def remove(self, name: str) -> None:
        """Take a file away."""
        (self.raw / name).unlink()
        self.gone[name] = self.files.pop(name)

    def table(self, chance: Random) -> str:
        """A table: half of the time one of those that change often."""
        filled = {table_of(name) for name in self.files}
        often = [name for name in self.often if name in filled]
        return chance.choice(often * (20 // len(often)) + [name for name in self.tables if name in filled])

    def some(self, table: str, chance: Random, most: int = 6) -> list[Row]:
        """Some rows of a table, often of one visitor, session, customer or order."""
        rows = self.rows(table)
        if not rows:
            return []
        one = chance.choice(rows)
        links = [name for name in one if name.endswith("_id") and one[name] is not None]
        if links and chance.random() < 0.6:
            link = chance.choice(links)
            rows = [row for row in rows if row.get(link) == one[link]]
        return chance.sample(rows, min(len(rows), chance.randint(1, most)))

    def seen(self, table: str, column: str, chance: Random, most: int = 3) -> list[Row]:
        """Some rows of a table that those which change often name in a column, in their last version."""
        named = self.named(column)
        rows = {row[column]: row for row in self.rows(table) if row[column] in named}
        return chance.sample([*rows.values()], min(len(rows), chance.randint(1, most)))

    def named(self, *columns: str) -> set[Any]:
        """The values of columns in the tables that change often."""
        return {row.get(column) for table in self.often for row in self.rows(table) for column in columns} - {None}

    def value(self, table: str, column: str, row: Row, chance: Random) -> object:
        """Another value for a column of a row: another row's, none, a new one, or a time moved."""
        contract = raw_tables()[table]
        old = row.get(column)
        if isinstance(old, datetime) and chance.random() < 0.8:
            return old + chance.choice([-3 * DAY, -40 * MINUTE, -20 * MINUTE, -MINUTE, MINUTE, 25 * MINUTE, 2 * DAY])
        if column not in contract.required and chance.random() < 0.3:
            return None
        if contract.columns[column] == "varchar" and column != "timezone" and chance.random() < 0.2:
            return f"{column}-{chance.randrange(3)}"
        return chance.choice(self.rows(table)).get(column)


def timed(rows: list[Row]) -> list[Row]:
    """Web events whose time can be read."""
    return [row for row in rows if isinstance(row["event_at"], datetime)]


def table_of(name: str) -> str:
    """The table that a file belongs to."""
    return name.split("/")[0]


Change = Callable[[Company, Random], None]
CHANGES: dict[str, Change] = {}


def change(function: Change) -> Change:
    """Register a way in which the files or vars change, under its name with hyphens."""
    CHANGES[function.__name__.replace("_", "-")] = function
    return function


@change
def next_day(company: Company, chance: Random) -> None:
    """All that lands on the next day; a few rows are held back."""
    if not company.days:
        return
    for table, rows in company.days.pop(0).items():
        late = [row for row in rows if chance.random() < 0.1]
        company.held += [(table, row) for row in late]
        company.add(table, [row for row in rows if row not in late], chance)
    company.clock = max(company.clock, company.clock + DAY - len(raw_tables()) * MINUTE)


@change
def late(company: Company, chance: Random) -> None:
    """Rows that were held back arrive."""
    table = company.table(chance)
    here = [row for name, row in company.held if name == table]
    here = chance.sample(here, min(len(here), chance.randint(1, 12)))
    company.held = [(name, row) for name, row in company.held if name != table or row not in here]
    company.add(table, here, chance)


@change
def duplicates(company: Company, chance: Random) -> None:
    """Rows arrive as they are in another file."""
    table = company.table(chance)
    company.add(table, company.some(table, chance), chance)


@change
def corrections(company: Company, chance: Random) -> None:
    """Later versions of rows, with some other values."""
    corrected(company, chance, lambda row: company.clock)


@change
def older_versions(company: Company, chance: Random) -> None:
    """Versions that were landed before those that are here."""
    corrected(company, chance, lambda row: (row.get(LANDED_AT) or company.clock) - DAY)


@change
def ties(company: Company, chance: Random) -> None:
    """Other versions of rows, landed at the same time."""
    corrected(company, chance, lambda row: row.get(LANDED_AT))


@change
def undated(company: Company, chance: Random) -> None:
    """Versions of rows that do not say when they were landed: their file does."""
    corrected(company, chance, lambda row: None)


def corrected(company: Company, chance: Random, landed: Callable[[Row], datetime | None]) -> None:
    """Rows arrive with other values in one to three columns."""
    table = company.table(chance)
    contract = raw_tables()[table]
    free = [name for name in contract.columns if name not in contract.key]
    rows = []
    for row in company.some(table, chance):
        columns = chance.sample(free, min(len(free), chance.randint(1, 3)))
        values = {column: company.value(table, column, row, chance) for column in columns}
        rows.append({**row, **values, LANDED_AT: landed(row)})
    company.add(table, rows, chance)


@change
def relinked(company: Company, chance: Random) -> None:
    """Web events turn out to be of another visitor, session, customer or page view."""
    column = chance.choice(["visitor_id", "session_id", "customer_id", "page_view_id", "article_id", "is_bot"])
    other = chance.choice(company.rows("web_events")).get(column)
    if chance.random() < 0.3 and column != "visitor_id":
        other = None
    company.again("web_events", company.some("web_events", chance), chance, **{column: other})


@change
def moved(company: Company, chance: Random) -> None:
    """Web events turn out to have happened at another time, some after as_of."""
    shift = chance.choice([-DAY, -45 * MINUTE, -5 * MINUTE, 5 * MINUTE, 45 * MINUTE, DAY, 20 * DAY])
    rows = [{**row, "event_at": row["event_at"] + shift} for row in timed(company.some("web_events", chance))]
    company.again("web_events", rows, chance)


@change
def bridges(company: Company, chance: Random) -> None:
    """Events that join the sessions of a visitor which were cut by inactivity."""
    rows = [row for row in timed(company.rows("web_events")) if not row["session_id"]]
    if not rows:
        return
    one = chance.choice(rows)
    times = sorted(row["event_at"] for row in rows if row["visitor_id"] == one["visitor_id"])
    gaps = [gap for gap in pairwise(times) if 20 * MINUTE < gap[1] - gap[0] < DAY]
    start, end = chance.choice(gaps or [(times[-1], times[-1] + 50 * MINUTE)])
    added: list[Row] = []
    while start < end:
        start += 25 * MINUTE
        new = {"event_id": f"bridge-{company.written}-{len(added)}", "event_at": start, LANDED_AT: company.clock}
        added.append({**one, **new, "event_name": chance.choice(["page_view", "page_ping"])})
    company.add("web_events", added[:-1] or added, chance)


@change
def measurements(company: Company, chance: Random) -> None:
    """A page view is measured, or viewed again, in another visitor's session or another session of its own."""
    views = [row for row in company.rows("web_events") if row["page_view_id"]]
    if not views:
        return
    view, other = chance.choice(views), chance.choice(company.rows("web_events"))
    new = {
        "event_id": f"vital-{company.written}",
        "page_view_id": view["page_view_id"],
        "event_name": chance.choice(["web_vital", "page_view", "page_ping"]),
        "lcp_ms": chance.choice([None, 100.0, 9000.0]),
        "engagement_ms": chance.choice([None, 5000.0]),
        LANDED_AT: company.clock,
    }
    company.add("web_events", [{**other, **new}], chance)


@change
def newcomers(company: Company, chance: Random) -> None:
    """Page views of a new site, referrer, campaign or path; a site may be what was a foreign referrer."""
    foreign = {row["referrer"].split("/")[2] for row in company.rows("web_events") if "://" in str(row["referrer"])}
    values = {
        "site": chance.choice([f"site{chance.randrange(2)}.example", *sorted(foreign)]),
        "referrer": f"https://{chance.choice(['www.google.com', 'site0.example', 'site1.example', 'a.example'])}/x",
        "utm_campaign": f"new-{chance.randrange(3)}",
        "utm_source": None,
        "page_path": chance.choice(["/new", "/support/new", "/"]),
        "page_type": chance.choice(["home", "support_home", "product"]),
    }
    for column in chance.sample(sorted(values), chance.randint(0, 4)):
        del values[column]
    rows = [
        {**row, **values, "event_id": f"{row['event_id']}-{company.written}", "event_name": "page_view"}
        for row in company.some("web_events", chance, 3)
    ]
    company.again("web_events", rows, chance)


@change
def tombstones(company: Company, chance: Random) -> None:
    """Rows are removed."""
    table = company.table(chance)
    company.again(table, company.some(table, chance), chance, **{DELETED: True})


@change
def revivals(company: Company, chance: Random) -> None:
    """Removed rows come back, or rows are removed once more by a tombstone of the past."""
    table = company.table(chance)
    removed = [row for row in company.rows(table) if row.get(DELETED)]
    some = chance.sample(removed, min(len(removed), 3)) if removed else company.some(table, chance)
    if removed:
        company.again(table, some, chance, **{DELETED: False})
    else:
        company.again(table, some, chance, **{DELETED: True, LANDED_AT: datetime(2020, 1, 1)})


@change
def broken(company: Company, chance: Random) -> None:
    """Versions of rows, or new rows, without a required value, with an unreadable or an impossible one."""
    table = company.table(chance)
    contract = raw_tables()[table]
    numbers = [name for name, kind in contract.columns.items() if kind in ("double", "bigint", "timestamp", "date")]
    column = chance.choice([*contract.required, *numbers])
    value = None if column in contract.required and chance.random() < 0.5 else chance.choice(["n/a", -1, "1.2.3"])
    landed = chance.choice([company.clock, datetime(2021, 1, 1)])
    rows = [{**row, column: value, LANDED_AT: landed} for row in company.some(table, chance)]
    if chance.random() < 0.3:
        rows = [{**row, contract.key[0]: f"{row[contract.key[0]]}-broken"} for row in rows]
        rows = [{**row, column: value} for row in rows]
    company.add(table, rows, chance)


@change
def nameless(company: Company, chance: Random) -> None:
    """Rows without a key, of the web events and of another table: they touch nothing and hide nothing."""
    for table in ("web_events", company.table(chance)):
        company.again(table, company.some(table, chance), chance, **{raw_tables()[table].key[0]: None})


@change
def future(company: Company, chance: Random) -> None:
    """Rows, or versions of rows, that happen after as_of."""
    table = company.table(chance)
    own = raw_tables()[table].own_time
    if own is None:
        return
    at: datetime | date = company.as_of + chance.choice([MINUTE, 2 * DAY, 4 * DAY, 40 * DAY])
    if raw_tables()[table].columns[own] == "date" and isinstance(at, datetime):
        at = at.date()
    # Landed long before, so that they do not move as_of.
    landed = company.as_of - 3 * DAY
    rows = [{**row, own: at, LANDED_AT: landed} for row in company.some(table, chance)]
    key = raw_tables()[table].key[0]
    if chance.random() < 0.6 and raw_tables()[table].columns[key] == "varchar":
        rows = [{**row, key: f"{row[key]}-ahead"} for row in rows]
    company.add(table, rows, chance)


@change
def file_replaced(company: Company, chance: Random) -> None:
    """A file has other rows than before: some are gone, some changed."""
    name = chance.choice(sorted(company.files))
    table = table_of(name)
    rows = [row for row in company.files[name] if chance.random() < 0.95] or company.files[name]
    column = chance.choice(list(raw_tables()[table].columns))
    number = chance.randrange(len(rows))
    rows[number] = {**rows[number], column: company.value(table, column, rows[number], chance)}
    company.write(name, rows)


@change
def file_touched(company: Company, chance: Random) -> None:
    """A file is written again as it was."""
    name = chance.choice(sorted(company.files))
    company.write(name, company.files[name])


@change
def file_gone(company: Company, chance: Random) -> None:
    """A file is taken away; mostly one of the last."""
    new = [name for name in sorted(company.files) if "start" not in name]
    names = new if new and chance.random() < 0.8 else sorted(company.files)
    company.remove(chance.choice(names))


@change
def file_back(company: Company, chance: Random) -> None:
    """A file that was taken away is there again."""
    if company.gone:
        name = chance.choice(sorted(company.gone))
        company.write(name, company.gone.pop(name))


@change
def erasures(company: Company, chance: Random) -> None:
    """A customer asks to be erased, now or later, or no longer."""
    at = chance.choice([company.as_of, company.as_of - 2 * DAY, company.as_of + DAY, None])
    company.again("customers", company.seen("customers", "customer_id", chance, 1), chance, deleted_at=at)


@change
def identities(company: Company, chance: Random) -> None:
    """A visitor or an address is linked to a customer, to another one, or no longer."""
    columns = ["visitor_id", "contact_address"]
    chance.shuffle(columns)
    visitors = company.named(columns[0]) or company.named(columns[1])
    links = [row for row in company.rows("customer_identities") if row["identity_value"] in visitors]
    if links and chance.random() < 0.5:
        at = chance.choice([None, company.as_of - DAY, company.as_of - DAY, company.as_of + DAY])
        company.again("customer_identities", chance.sample(links, min(3, len(links))), chance, unlinked_at=at)
        return
    linked = {
        "identity_type": "visitor_id",
        "linked_at": chance.choice([None, company.as_of - 5 * DAY, company.as_of, company.as_of + DAY]),
        "unlinked_at": None,
    }
    customers = [row["customer_id"] for row in company.rows("customers")]
    some = chance.sample(sorted(visitors), 3)
    rows = [{**linked, "identity_value": visitor, "customer_id": chance.choice(customers)} for visitor in some]
    company.again("customer_identities", rows, chance)


@change
def customers_changed(company: Company, chance: Random) -> None:
    """Customers move, speak another language, or do not agree to be analysed."""
    values: dict[str, tuple[object, ...]] = {
        "analytics_consent": (True, False, None), "country": ("DE", "FR", None), "language": ("de-DE", "fr-FR", None),
    }  # fmt: skip
    column = chance.choice(sorted(values))
    value = chance.choice(values[column])
    company.again("customers", company.seen("customers", "customer_id", chance), chance, **{column: value})


@change
def articles_changed(company: Company, chance: Random) -> None:
    """Articles get another language, topic or address."""
    paths = [row["page_path"] for row in company.rows("web_events") if row["page_path"]]
    values = {
        "language": chance.choice(["de", "en", None]),
        "topic": chance.choice(["new topic", None]),
        "url_path": chance.choice([*paths, None]),
    }
    for column in chance.sample(sorted(values), chance.randint(0, 2)):
        del values[column]
    some = company.seen("knowledge_articles", "article_id", chance)
    company.again("knowledge_articles", some, chance, **values)


@change
def described(company: Company, chance: Random) -> None:
    """What is known of customers, products, agents, campaigns or articles is something else, or nothing."""
    tables = ("agents", "campaigns", "customers", "knowledge_articles", "products")
    table = chance.choice([name for name in tables if company.rows(name)])
    column = chance.choice([name for name in raw_tables()[table].columns if name not in raw_tables()[table].key])
    value = chance.choice(company.rows(table)).get(column)
    company.again(table, company.some(table, chance), chance, **{column: value})


@change
def retimed(company: Company, chance: Random) -> None:
    """Rows turn out to have happened at another time, or something in them has."""
    table = company.table(chance)
    contract = raw_tables()[table]
    times = [name for name, kind in contract.columns.items() if kind == "timestamp"]
    if not times:
        return
    column = contract.own_time if contract.own_time in times and chance.random() < 0.6 else chance.choice(times)
    shift = chance.choice([-40 * DAY, -8 * DAY, -DAY, -MINUTE, MINUTE, 50 * MINUTE, DAY, 6 * DAY, 20 * DAY])
    rows = [row for row in company.some(table, chance) if isinstance(row.get(column), datetime)]
    company.again(table, [{**row, column: row[column] + shift} for row in rows], chance)


@change
def relinked_rows(company: Company, chance: Random) -> None:
    """Rows turn out to belong to another row of another table, or to none."""
    table = company.table(chance)
    contract = raw_tables()[table]
    links = [name for name in contract.columns if name.endswith("_id") and name not in contract.key]
    if not links:
        return
    column = chance.choice(links)
    value = chance.choice(company.rows(table)).get(column)
    if column not in contract.required and chance.random() < 0.4:
        value = None
    company.again(table, company.some(table, chance), chance, **{column: value})


@change
def recoded(company: Company, chance: Random) -> None:
    """Rows turn out to be of another kind."""
    table = company.table(chance)
    codes = raw_tables()[table].codes
    if codes:
        column = chance.choice(sorted(codes))
        value = chance.choice([*codes[column], chance.choice(company.rows(table)).get(column)])
        company.again(table, company.some(table, chance), chance, **{column: value})


@change
def legs(company: Company, chance: Random) -> None:
    """Interactions turn out to be a leg of one that is there, that is not, or that is then removed."""
    rows = company.rows("interactions")
    parent = chance.choice(rows)
    named = chance.choice([parent["interaction_id"], parent["interaction_id"], "not-there", None])
    company.again("interactions", company.some("interactions", chance), chance, parent_interaction_id=named)
    if chance.random() < 0.4:
        company.again("interactions", [parent], chance, **{DELETED: True})


@change
def subjects(company: Company, chance: Random) -> None:
    """Surveys turn out to ask about another ticket, interaction, order and so on, or it is not what it was."""
    kinds = {
        "ticket": "tickets", "interaction": "interactions", "order": "orders", "shipment": "shipments",
        "article": "knowledge_articles",
    }  # fmt: skip
    kind = chance.choice([name for name, table in kinds.items() if company.rows(table)])
    table, key = kinds[kind], f"{kind}_id"
    surveys = ("survey_invitations", "survey_responses")
    if chance.random() < 0.4:
        asked = {"subject_type": kind, "subject_id": chance.choice(company.rows(table))[key]}
        for survey in surveys:
            company.again(survey, company.some(survey, chance, 3), chance, **asked)
        return
    asked_about = {row["subject_id"] for survey in surveys for row in company.rows(survey)}
    rows = [row for row in company.rows(table) if row[key] in asked_about]
    if rows:
        columns = ("channel", "topic", "team", "agent_id", "assignee_id", "ended_at", "delivered_at", "solved_at")
        row = chance.choice(rows)
        column = chance.choice([name for name in columns if name in row])
        company.again(table, [row], chance, **{column: company.value(table, column, row, chance)})


def _is_time(value: object) -> bool:
    return isinstance(value, datetime)


@change
def followed_up(company: Company, chance: Random) -> None:
    """The company turns out to have reached out to somebody who answered, or an agent to have written in a ticket."""
    rows = [row for row in company.rows("survey_responses") if _is_time(row["responded_at"])]
    one = chance.choice(rows)
    at = one["responded_at"] + chance.choice([-DAY, 50 * MINUTE, DAY, 2 * DAY, 3 * DAY])
    if chance.random() < 0.5:
        values = {"customer_id": one["customer_id"], "direction": "outbound", "started_at": at}
        company.again("interactions", company.some("interactions", chance, 1), chance, **values)
        return
    mine = [row["ticket_id"] for row in company.rows("tickets") if row["customer_id"] == one["customer_id"]]
    ticket = chance.choice(mine or [row["ticket_id"] for row in company.rows("tickets")])
    values = {"ticket_id": ticket, "author_type": "agent", "sent_at": at}
    company.again("ticket_messages", company.some("ticket_messages", chance, 1), chance, **values)


@change
def asked_again(company: Company, chance: Random) -> None:
    """A customer turns out to have been asked a few times more within days, and to have answered otherwise once."""
    asked = [row for row in company.rows("survey_invitations") if row["customer_id"] and _is_time(row["sent_at"])]
    for one in chance.sample(asked, min(len(asked), 1)):
        for day in range(1, 4):
            values = {"invitation_id": f"{one['invitation_id']}-{day}", "sent_at": one["sent_at"] - day * DAY}
            company.again("survey_invitations", [one], chance, **values)
    rows = [row for row in company.rows("survey_responses") if row["survey_type"] == "nps" and row["customer_id"]]
    answered = [row for row in rows if _is_time(row["responded_at"])]
    for one in chance.sample(answered, min(len(answered), 1)):
        at = one["responded_at"] + chance.choice([-2 * DAY, DAY])
        score = 10 if isinstance(one["score"], int | float) and one["score"] <= 6 else 0
        values = {"response_id": f"{one['response_id']}-again", "responded_at": at, "score": score}
        company.again("survey_responses", [one], chance, **values)


@change
def deliveries(company: Company, chance: Random) -> None:
    """All invitations of a survey on a channel are reported as delivered, or none is, or a single one."""
    rows = company.rows("survey_invitations")
    one = chance.choice(rows)
    rows = [row for row in rows if (row["survey_id"], row["channel"]) == (one["survey_id"], one["channel"])]
    company.again("survey_invitations", rows, chance, delivered_at=None)
    if chance.random() < 0.5:
        some = chance.choice([rows, rows[:1]])
        company.again("survey_invitations", some, chance, delivered_at=company.as_of + chance.choice([-DAY, DAY]))


@change
def presences(company: Company, chance: Random) -> None:
    """No status of an agent is known any longer, or one of an agent without any."""
    rows = company.rows("agent_status_events")
    agents = sorted(company.named("agent_id", "assignee_id") - {row["agent_id"] for row in rows})
    if agents and chance.random() < 0.5:
        company.again("agent_status_events", [chance.choice(rows)], chance, agent_id=chance.choice(agents))
    elif rows:
        one = chance.choice(rows)["agent_id"]
        rows = [row for row in rows if row["agent_id"] == one]
        company.again("agent_status_events", rows, chance, **{DELETED: True})


@change
def rates(company: Company, chance: Random) -> None:
    """An exchange rate is another, or there is one of another day."""
    rows = company.some("exchange_rates", chance, 3)
    shift = chance.choice([0, 0, -3, 2]) * DAY
    rows = [{**row, "rate_date": row["rate_date"] + shift} for row in rows if isinstance(row["rate_date"], date)]
    company.again("exchange_rates", rows, chance, rate=chance.choice([0.5, 2.0]))


@change
def schedules(company: Company, chance: Random) -> None:
    """Opening hours change, or a day is a holiday."""
    company.again("service_hours", company.some("service_hours", chance, 3), chance, closes_at="12:30")
    hours = company.rows("service_hours")
    if hours and chance.random() < 0.5:
        holiday = {"schedule_id": hours[0]["schedule_id"], "holiday_date": company.as_of.date(), "holiday_name": "x"}
        company.again("service_holidays", [holiday], chance)


@change
def holidays(company: Company, chance: Random) -> None:
    """A day on which somebody called or wrote turns out to be a holiday, or no longer."""
    rows = [row for row in company.rows("interactions") if isinstance(row["started_at"], datetime)]
    schedules = sorted({row["schedule_id"] for row in company.rows("service_hours")})
    if not rows or not schedules:
        return
    day = chance.choice(rows)["started_at"].date()
    holiday = {"schedule_id": chance.choice(schedules), "holiday_date": day, "holiday_name": "x"}
    company.again("service_holidays", [holiday], chance, **{DELETED: chance.random() < 0.2})


@change
def as_of(company: Company, chance: Random) -> None:
    """The date is set, forward or back, or left to the data."""
    now = company.as_of
    moved = chance.choice([None, -10 * DAY, -DAY, -60 * MINUTE, 60 * MINUTE, 3 * DAY, 45 * DAY])
    company.vars.pop("as_of", None)
    if moved is not None:
        company.vars["as_of"] = str((now + moved).replace(microsecond=0))


@change
def setting(company: Company, chance: Random) -> None:
    """A var is set to another value, or again to its default."""
    name = chance.choice(sorted(SETTINGS))
    company.vars[name] = chance.choice(SETTINGS[name])


RUNS = ("whole", "whole", "twice", "part", "killed", "failed")


@dataclass(frozen=True)
class Round:
    """What changes, and how dbt is then run.

    Attributes:
        changes: names of `CHANGES`, each with what decides which rows.
        run: `whole`, `twice`, or another run before a whole one: `part` (some models), `killed` or `failed` half-way.
        number: which models come first, or how many hundredths of the models are done before the end.
        compared: whether the tables are then compared with a full refresh.
    """

    changes: tuple[tuple[str, int], ...]
    run: str
    number: int
    compared: bool

    def __str__(self) -> str:
        """As `read_rounds` reads it."""
        changes = " ".join(f"{name}:{number}" for name, number in self.changes)
        return f"{changes} {self.run}:{self.number}{'!' if self.compared else ''}"


def written(rounds: list[Round]) -> str:
    """A sequence as text."""
    return "; ".join(map(str, rounds))


def read_rounds(text: str) -> list[Round]:
    """A sequence from its text: rounds between semicolons, in each the changes and last the run, `!` to compare.

    Raises:
        KeyError: a change that is none.
    """
    rounds = []
    for part in text.split(";"):
        *changes, run = [(word.partition(":")[0], word.partition(":")[2]) for word in part.split()]
        for name, _ in changes:
            CHANGES[name]
        numbered = tuple((name, int(number or 0)) for name, number in changes)
        rounds.append(Round(numbered, run[0].rstrip("!"), int(run[1].rstrip("!") or 50), part.strip().endswith("!")))
    return rounds


def sequences(family: str, least: int = 2, most: int = 4) -> st.SearchStrategy[list[Round]]:
    """Sequences of at least and at most so many rounds of two to five changes."""
    often = FAMILIES[family].changes
    changes = st.tuples(st.sampled_from([*often, *often, *CHANGES]), st.integers(0, 999))
    some = st.lists(changes, min_size=2, max_size=5).map(tuple)
    return st.lists(
        st.builds(Round, some, st.sampled_from(RUNS), st.integers(0, 99), st.booleans()), min_size=least, max_size=most
    )


class HalfWay(Exception):
    """Raised in the midst of a run that has to fail."""


class Dbt:
    """dbt on this project, read once; each run is a process of its own that need not read it again."""

    def __init__(self, folder: Path, raw: Path, everything: bool, family: str = "web") -> None:
        """Read the project.

        Args:
            folder: for what dbt writes.
            raw: the raw directory.
            everything: all models but the Python ones and what stands on them, in place of those of a family.
            family: of `FAMILIES`.
        """
        self.raw = raw
        self.place = [
            "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target"),
            "--log-path", str(folder / "logs"),
        ]  # fmt: skip
        self.log = folder / "dbt.log"
        parsed: Any = dbtRunner().invoke(["--quiet", "--no-version-check", "parse", *self.place])
        if not parsed.success:
            raise ValueError(f"the project cannot be read: {parsed.exception}")
        self.manifest = parsed.result
        nodes = {key: node for key, node in parsed.result.nodes.items() if node.resource_type in ("model", "seed")}
        self.parents = {key: [one for one in node.depends_on_nodes if one in nodes] for key, node in nodes.items()}
        if everything:
            left_out = self.behind([key for key, node in nodes.items() if node.language == "python"], children=True)
            picked = {*nodes} - left_out
        else:
            picked = self.behind([key for key, node in nodes.items() if node.name in FAMILIES[family].models])
        ordered = [key for key in TopologicalSorter(self.parents).static_order() if key in picked]
        self.models = [key for key in ordered if nodes[key].resource_type == "model"]
        self.relations = {nodes[key].alias: number for number, key in enumerate(self.models)}
        self.tables = tuple(t for t in raw_tables() if any(key.endswith(f".base_raw__{t}") for key in self.models))

    def behind(self, some: list[str], children: bool = False) -> set[str]:
        """Nodes with all that they stand on, or that stands on them."""
        found = {*some}
        for node in list(TopologicalSorter(self.parents).static_order())[:: 1 if children else -1]:
            if children and found & {*self.parents[node]}:
                found.add(node)
            elif not children and node in found:
                found.update(self.parents[node])
        return found

    def some_models(self, number: int) -> list[str]:
        """Some of the models: one, with all before it, with all after it, or any."""
        chance = Random(number)
        one = chance.choice(self.models)
        picked = chance.choice(
            [{one}, self.behind([one]), self.behind([one], children=True), {*chance.sample(self.models, 20)}]
        )
        return [key for key in self.models if key in picked]

    def start(
        self, database: Path, dbt_vars: dict[str, Any], models: list[str], end: tuple[str, int] | None = None
    ) -> Callable[[], tuple[str, ...]]:
        """Start a run of models, or of the seeds where there are none.

        Args:
            database: where.
            dbt_vars: the vars.
            models: which.
            end: `killed` or `failed`, and when, in hundredths of the models.

        Returns:
            What waits for the run and gives its failures.
        """
        receiving, sending = multiprocessing.Pipe(duplex=False)
        arguments = (database, dbt_vars, models, end, sending)
        process = multiprocessing.get_context("fork").Process(target=self.run, args=arguments)
        process.start()
        sending.close()

        def wait() -> tuple[str, ...]:
            failures = ("killed",)
            with suppress(EOFError):  # it tells nothing more
                failures = receiving.recv()
            process.join()
            return failures

        return wait

    def run(
        self,
        database: Path,
        dbt_vars: dict[str, Any],
        models: list[str],
        end: tuple[str, int] | None,
        told: Connection,
    ) -> None:
        """Run models in this process; see `start`."""
        log = self.log.open("a")
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.environ.update(RAW_DIR=str(self.raw), OUTSIDE_IN_DATABASE=str(database))
        callbacks = [ending(*end, len(models))] if end else []
        done = dbtRunner(manifest=self.manifest, callbacks=callbacks).invoke(
            [
                "--quiet", "--no-version-check", "--no-write-json", "--log-level-file", "none",
                "run" if models else "seed", *self.place, "--vars", json.dumps(dbt_vars),
                "--threads", "1" if end else "2",  # one thread sends the same statements each time
                *(["--select", *(key.split(".")[-1] for key in models)] if models else []),
            ]
        )  # fmt: skip
        # As at the orderly end of dbt, which leaves nothing in the log of the database.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        results: Any = done.result if isinstance(done.result, RunExecutionResult) else []
        failures = [f"{one.node.name}: {one.message}" for one in results if str(one.status) in ("error", "fail")]
        if not done.success and not failures:
            failures.append(str(done.exception))
        told.send(tuple(failures))


def ending(how: str, hundredths: int, models: int) -> Callable[[Any], None]:
    """What ends a run in the midst of one of its first statements, or of one of the first statements of a model."""
    begun = 0
    left = 1 + hundredths % 10 * (1 if hundredths >= 10 else 5)

    def follow(event: Any) -> None:
        nonlocal begun, left
        if event.info.name == "NodeStart":
            begun += 1
        elif event.info.name == "SQLQuery" and (hundredths < 10 or begun > (hundredths - 10) * models // 90):
            left -= 1
            if left == 0 and how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if left == 0:
                raise HalfWay

    return follow


@dataclass
class Proof:
    """A company and its kept database, on which one sequence after the other is tried.

    Attributes:
        folder: for everything.
        everything: all models in place of those of the family.
        family: whose tables change most.
        runs: how many runs of dbt there were.
    """

    folder: Path
    everything: bool = False
    family: str = "web"
    runs: int = 0

    @cached_property
    def dbt(self) -> Dbt:
        """dbt, which has read the project."""
        return Dbt(self.folder, self.folder / "raw", self.everything, self.family)

    @cached_property
    def company(self) -> Company:
        """The company as each sequence finds it."""
        company = Company(self.folder / "raw", self.dbt.tables, FAMILIES[self.family].tables)
        company.found(self.folder, FAMILIES[self.family])
        return company

    def database(self, name: str, copied: str = "") -> Path:
        """A database of this name, made anew as a copy of another."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        if copied:
            shutil.copytree(self.folder / copied, folder)
        folder.mkdir(exist_ok=True)
        return folder / "warehouse.duckdb"

    def restored(self) -> Company:
        """The company as it is at the start of each sequence, its files as well."""
        start = self.company
        here = {path.relative_to(start.raw).as_posix(): path for path in start.raw.glob("*/*")}
        for name in here.keys() - start.files.keys():
            here[name].unlink()
        for name, rows in start.files.items():
            modified = start.modified[name]
            if name not in here or int(here[name].stat().st_mtime) != int(modified.replace(tzinfo=UTC).timestamp()):
                clock = start.clock
                start.write(name, rows)
                start.date(name, modified)
                start.clock = clock
                # Written again it is another file, which the database of the start does not know.
                shutil.rmtree(self.folder / "start", ignore_errors=True)
        return Company(
            start.raw, start.tables, start.often, {**start.files}, {**start.modified}, [*start.days], [*start.held],
            clock=start.clock,
        )  # fmt: skip

    def begin(self) -> tuple[Company, Path]:
        """The company and the kept database as they are at the start of each sequence."""
        company = self.restored()
        if not (self.folder / "seeds").exists():
            files = company.raw.rename(self.folder / "aside")
            company.raw.mkdir()
            self.prepare("seeds", "", [])
            company.raw.rmdir()
            files.rename(company.raw)
        if not (self.folder / "start").exists():
            self.prepare("start", "seeds", self.dbt.models)
        return company, self.database("kept", "start")

    def prepare(self, name: str, copied: str, models: list[str]) -> None:
        """Make a database that others are copies of.

        Raises:
            ValueError: dbt failed.
        """
        if failures := self.dbt.start(self.database(name, copied), {}, models)():
            raise ValueError("dbt failed before anything changed: " + "\n".join(failures))

    def must(self, wait: Callable[[], tuple[str, ...]]) -> None:
        """Wait for a run that has to succeed.

        Raises:
            AssertionError: it did not.
        """
        self.runs += 1
        if failures := wait():
            raise AssertionError("dbt failed: " + "\n".join(failures[:SHOWN]))

    def check(self, rounds: list[Round]) -> None:
        """Try a sequence.

        Raises:
            AssertionError: a table is not what a full refresh gives, or dbt failed; it says which and the sequence.
        """
        company, kept = self.begin()
        for number, each in enumerate(rounds, start=1):
            for name, choice in each.changes:
                CHANGES[name](company, Random(choice))
            try:
                self.run(each, company, kept, each.compared or number == len(rounds))
            except AssertionError as error:
                raise AssertionError(f"round {number} of\n{written(rounds)}\n{error}") from None

    def run(self, each: Round, company: Company, kept: Path, compared: bool) -> None:
        """Run dbt as a round says, and compare."""
        dbt, dbt_vars = self.dbt, {**company.vars}
        if each.run == "part":
            self.must(dbt.start(kept, dbt_vars, dbt.some_models(each.number)))
        elif each.run in ("killed", "failed"):
            dbt.start(kept, dbt_vars, dbt.models, end=(each.run, each.number))()
        run = dbt.start(kept, dbt_vars, dbt.models)
        fresh = self.database("fresh", "seeds") if compared else None
        if fresh:  # at the same time
            self.must(dbt.start(fresh, dbt_vars, dbt.models))
        self.must(run)
        if each.run == "twice":
            self.must(dbt.start(kept, dbt_vars, dbt.models))
        if fresh and (different := differences(kept, fresh, dbt.relations)):
            raise AssertionError("\n".join(different))


def differences(kept: Path, fresh: Path, order: dict[str, int]) -> list[str]:
    """What two databases do not have in common, in the order in which tables are made; empty where they are equal."""
    mine, theirs = contents(kept), contents(fresh)
    different = [name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)]
    different.sort(key=lambda name: (order.get(name.split(".")[1], len(order)), name))
    found = []
    for number, name in enumerate(different):
        if name not in theirs or name not in mine:
            found.append(f"{name}: only {'kept' if name in mine else 'in a full refresh'}")
        elif mine[name][0] != theirs[name][0]:
            found.append(f"{name}: columns {mine[name][0]}, in a full refresh {theirs[name][0]}")
        elif number < SHOWN:
            found += told(name, rows_of(kept, name), rows_of(fresh, name))
        else:
            found.append(f"{name}: {mine[name][1]} rows, in a full refresh {theirs[name][1]}")
    return found


def contents(database: Path) -> dict[str, tuple[Any, ...]]:
    """Columns, number of rows and a sum over all values of each table and view but the bookkeeping."""
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        names = con.execute(
            "select table_schema || '.' || table_name, list(column_name || ' ' || data_type order by ordinal_position)"
            f" from information_schema.columns where table_schema not in {BOOKKEEPING} group by all"
        ).fetchall()
        return {
            name: (columns, *con.execute(f"select count(*), sum(hash(each)) from {name} as each").fetchall()[0])
            for name, columns in names
        }


def rows_of(database: Path, name: str) -> tuple[list[str], Counter[tuple[Any, ...]]]:
    """The columns and the rows of a table."""
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        found = con.execute(f"from {name}")
        return [column[0] for column in found.description], Counter(tuple(map(repr, row)) for row in found.fetchall())


def told(name: str, mine: tuple[list[str], Counter[Any]], theirs: tuple[list[str], Counter[Any]]) -> Iterator[str]:
    """The rows in which two tables differ: how many, in which columns, and the first of them."""
    only_mine, only_theirs = sorted((mine[1] - theirs[1]).elements()), sorted((theirs[1] - mine[1]).elements())
    columns = [
        column
        for place, column in enumerate(mine[0])
        if Counter(row[place] for row in only_mine) != Counter(row[place] for row in only_theirs)
    ]
    yield f"{name}: {len(only_mine)} rows only kept, {len(only_theirs)} only in a full refresh; differs: {columns}"
    key = mine[0][: 2 + (len(mine[0]) > 30)]
    shown = [column for column in mine[0] if column in key or column in columns][:12]
    for where, rows in (("kept", only_mine), ("refresh", only_theirs)):
        for row in rows[: SHOWN // 2]:
            values = dict(zip(mine[0], row, strict=True))
            yield f"    {where:8}" + ", ".join(f"{column} {values[column]}" for column in shown)


def main() -> None:
    """Try sequences until one fails; it is then made as short as can be, and told with what replays it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", nargs="?", type=int, default=20)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--family", choices=FAMILIES, default="web", help="which models, and the tables that change")
    parser.add_argument("--all", action="store_true", help="all models but the Python ones")
    parser.add_argument("--replay", help="try this one sequence, as a failure tells it")
    parser.add_argument("--no-shrink", action="store_true", help="tell the failing sequence as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        proof = Proof(Path(folder), options.all, options.family)
        begun = time.monotonic()
        tried = 0
        done: Counter[str] = Counter()

        def attempt(rounds: list[Round]) -> None:
            nonlocal tried
            tried += 1
            done.update(name for each in rounds for name, _ in each.changes)
            done.update(each.run for each in rounds)
            print(f"{tried} {time.monotonic() - begun:.0f} s: {written(rounds)}", flush=True)
            try:
                proof.check(rounds)
            except AssertionError as error:
                print(f"FAILED in {error}", flush=True)
                raise

        phases = (Phase.generate,) if options.no_shrink else (Phase.generate, Phase.shrink)
        test = settings(
            max_examples=options.sequences, deadline=None, database=None, phases=phases,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )(seed(options.seed)(given(sequences(options.family))(attempt)))  # fmt: skip
        failed = ""
        try:
            attempt(read_rounds(options.replay)) if options.replay else test()
        except AssertionError as error:
            failed = str(error)
    seconds = time.monotonic() - begun
    print(f"{tried} sequences, {proof.runs} runs of dbt, {seconds:.0f} s, {len(proof.dbt.models)} models; {dict(done)}")
    if failed:
        sequence = failed.split("\n")[1]
        again = f"python -m tests.arrivals --family {options.family} --replay '{sequence}'"
        print(f"\nseed {options.seed}, {failed}\n\nreplay: {again}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
