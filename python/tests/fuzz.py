"""Damaged inputs, and what must become of each: the kinds of damage, and one run of many at once.

A run takes a small clean company, puts a damaged file of its own into most of its tables, and sends all of it through
the validation and the verdicts as the command line does. Every kind says how each count of the reconciliation must
change, so that a row which is lost, kept or judged wrongly is seen, and whether the file as a whole must be refused.
`python -m tests.fuzz 2000` runs as many inputs as one likes (`make fuzz`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner

from outside_in.building import know_files
from outside_in.contract import DELETED, LANDED_AT, RawTable, raw_tables
from outside_in.paths import PROJECT, Output
from outside_in.sample import generate
from outside_in.validation import ValidationResult, inspect_files, validate
from outside_in.validation.inspection import NEVER_SET_ASIDE

Row = dict[str, Any]
FORMATS = ("parquet", "csv", "csv.gz", "json", "jsonl")
TEXT = ("csv", "csv.gz", "json", "jsonl")
LINES = ("csv", "csv.gz")
AS_OF = datetime(2100, 1, 1)
LONG_AGO, LATE = datetime(2000, 1, 1), datetime(2099, 1, 1)
ROWS = 40
SECRET = "maria.kowalska@example.org"
HOSTILE = [
    "'; drop table raw.files; --", '"); drop schema marts; --', "<script>alert(1)</script>", "{{ 1 / 0 }}",
    "{% endraw %}", "../../etc/passwd", "$(reboot) `id`", "a\\'b\\", "\u202eevil\u2066", "\x07\x1b[31mred", "a\nb\r\nc",
    "🦊" * 20, "%s%n {0}", "null", "NaN", "-0", "\ufeff", "a\tb|c;d,e\"f'g",
]  # fmt: skip
BYSTANDER = "~beside~"
COUNTS = ("raw", "accepted", "rejected", "duplicate", "future", "removed", "unknown")
ARROW = {
    "varchar": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
    "timestamp": pa.timestamp("us"), "decimal(18,4)": pa.decimal128(18, 4),
}  # fmt: skip
PYTHON = {
    "varchar": str, "bigint": int, "double": float, "boolean": bool, "date": date, "timestamp": datetime,
    "decimal(18,4)": Decimal,
}  # fmt: skip
IMPOSSIBLE_ORDERS = {
    "interactions": ("started_at", "ended_at"), "tickets": ("created_at", "closed_at"),
    "agent_status_events": ("started_at", "ended_at"), "agents": ("started_on", "ended_on"),
    "campaigns": ("started_on", "ended_on"), "customer_identities": ("linked_at", "unlinked_at"),
}  # fmt: skip
FORMED = ("timezone", "closes_at")
SCORES = {"survey_responses": "score", "reviews": "rating", "page_audits": "performance_score"}


# Words of the findings about rows that staging rejects, and about values that it removes.
FINDINGS = {
    "rejected": ("is null or unreadable", "weekday is not between", "opens_at is not as", "closes_at is not as"),
    "removed": (
        "cannot be read as",
        " is not at least",
        " is not between",
        " is before ",
        " off its scale",
        "timezone is not as",
    ),
}


class NotHere(Exception):
    """A kind of damage that a table cannot have."""


@dataclass
class Damage:
    """What one damaged file holds, and what must become of it.

    Attributes:
        table: its table.
        rows: its rows; copies of clean rows under keys of their own.
        clean: clean rows of the table, as they were landed.
        random: the source of chance.
        delta: how the counts of the reconciliation must change.
        refused: whether the file must be set aside as a whole.
        bystanders: undamaged rows between them, which must be accepted value by value as if they stood alone.
    """

    table: RawTable = field(repr=False)
    rows: list[Row] = field(repr=False)
    clean: list[Row] = field(repr=False)
    random: random.Random = field(repr=False)
    delta: Counter[str] = field(default_factory=Counter)
    refused: bool = False
    bystanders: list[Row] = field(default_factory=list, repr=False)

    def pick(self, *types: str, required: bool | None = None, key: bool = False) -> str:
        """A column of one of the types that is no part of the key (or is), as the table has one.

        No end of a scale: without it the usual scale holds, off which the row's score may be, too. No text of a form of
        its own, which other text would break.
        """
        found = [
            name
            for name, kind in self.table.columns.items()
            if (not types or kind in types)
            and (name in self.table.key) == key
            and required in (None, name in self.table.required)
            and name not in self.table.codes
            and not name.startswith("scale_")
            and not ("varchar" in types and name in FORMED)
        ]
        if not found:
            raise NotHere
        return self.random.choice(found)

    def put(self, column: str, value: object) -> None:
        """The same value in every row."""
        for row in self.rows:
            row[column] = value

    def all_are(self, verdict: str, **more: int) -> None:
        """Every row of the file gets this verdict."""
        self.delta = Counter({"raw": len(self.rows), verdict: len(self.rows), **more})

    def stand_by(self, rows: list[Row]) -> None:
        """Put undamaged rows before, between and after the damaged ones, with the columns these have."""
        self.bystanders = [{name: row[name] for name in self.rows[0] if name in row} for row in rows]
        damaged = iter(self.rows)
        self.rows = [row for one in self.bystanders for row in (one, *islice(damaged, 1))] + [*damaged]
        self.delta.update(raw=len(rows), accepted=len(rows))

    def all_lose(self, column: str, value: object) -> None:
        """Every row has a value that cannot be: it is removed, or the row is rejected where it is required."""
        self.put(column, value)
        if column in self.table.required:
            self.all_are("rejected")
        else:
            self.all_are("accepted", removed=len(self.rows))


@dataclass(frozen=True)
class Kind:
    """A kind of damage: what it does to the rows of a file, or to its bytes, and in which formats it can be."""

    formats: tuple[str, ...]
    rows: Callable[[Damage], None] | None = None
    content: Callable[[bytes, Damage], bytes] | None = None


KINDS: dict[str, Kind] = {}
OfRows = Callable[[Damage], None]
OfBytes = Callable[[bytes, Damage], bytes]


def of_rows(name: str, formats: tuple[str, ...] = FORMATS) -> Callable[[OfRows], OfRows]:
    """Register a kind of damage to a file's rows."""

    def register(damage: OfRows) -> OfRows:
        KINDS[name] = Kind(formats, rows=damage)
        return damage

    return register


def of_bytes(name: str, formats: tuple[str, ...]) -> Callable[[OfBytes], OfBytes]:
    """Register a kind of damage to a file's bytes."""

    def register(damage: OfBytes) -> OfBytes:
        KINDS[name] = Kind(formats, content=damage)
        return damage

    return register


def instant(damage: Damage) -> str:
    """The table's own time, where it is a timestamp."""
    column = damage.table.own_time
    if not column or damage.table.columns[column] != "timestamp":
        raise NotHere
    return column


def unreadable_kinds() -> None:
    """Values that are not of their column's type, required or not."""
    for name, types, values in (
        ("a number that is none", ("double", "bigint", "decimal(18,4)"), ("n/a", "twelve", "1,5", "0x1F", "--")),
        ("a time that is none", ("timestamp", "date"), ("yesterday", "2024-13-01", "2024-01-01x", "infinity")),
        ("a boolean that is none", ("boolean",), ("perhaps", "2", "ja")),
        ("a time before 1900", ("timestamp", "date"), (datetime(1899, 12, 31, 23, 59, 59), "1899-12-31", "0001-01-01")),
        ("an offset that is none", ("timestamp",), ("2024-01-01T00:00:00+99:99",)),
        ("seconds since 1970", ("timestamp",), (1700000000,)),
        ("milliseconds since 1970", ("timestamp",), (1700000000000,)),
        ("an amount too large", ("decimal(18,4)",), ("1e30", 10**20)),
        ("no finite number", ("double",), ("nan", "-Infinity", float("inf"))),
        ("a broken number of things", ("bigint",), ("3.7",)),
        ("a whole number too large", ("bigint",), (10**25, 2**63 - 1, -(2**63), -(10**9))),
        ("a number beyond all measure", ("double",), (1.7976931348623157e308, -1e12, 1e9)),
        ("an amount beyond all measure", ("decimal(18,4)",), (Decimal("99999999999999.9999"), Decimal(-(10**12)))),
    ):

        def spoil(damage: Damage, types: tuple[str, ...] = types, values: tuple[Any, ...] = values) -> None:
            # A key may hold a null where it is not required, so that only other columns tell.
            damage.all_lose(damage.pick(*types), damage.random.choice(values))

        of_rows(name)(spoil)


unreadable_kinds()


@of_rows("a required value missing")
def _(damage: Damage) -> None:
    damage.all_lose(damage.pick(required=True), None)


@of_rows("a key value missing")
def _(damage: Damage) -> None:
    damage.put(damage.pick(required=True, key=True), None)
    damage.all_are("rejected")


@of_rows("blanks for a required value")
def _(damage: Damage) -> None:
    damage.put(damage.pick("timestamp", "double", "bigint", "date", required=True), "  ")
    damage.all_are("rejected")


@of_rows("blanks for an optional value")
def _(damage: Damage) -> None:
    damage.put(damage.pick("timestamp", "double", "boolean", "date", "decimal(18,4)", required=False), " ")


@of_rows("a negative duration")
def _(damage: Damage) -> None:
    names = [n for n in damage.table.columns if n.endswith(("_seconds", "_ms", "_count"))]
    if not names:
        raise NotHere
    damage.all_lose(damage.random.choice(names), -1)


@of_rows("an end before its start")
def _(damage: Damage) -> None:
    if damage.table.name not in IMPOSSIBLE_ORDERS:
        raise NotHere
    start, end = IMPOSSIBLE_ORDERS[damage.table.name]
    for row in damage.rows:
        row[start] = row[start] or (LONG_AGO if damage.table.columns[start] == "timestamp" else LONG_AGO.date())
    for row in damage.rows:
        row[end] = row[start] - timedelta(days=1)
    damage.all_are("accepted", removed=len(damage.rows))


@of_rows("a score off its scale")
def _(damage: Damage) -> None:
    if damage.table.name not in SCORES:
        raise NotHere
    if damage.table.name == "survey_responses":
        damage.put("survey_type", "nps")
    damage.all_lose(SCORES[damage.table.name], 1e6)


@of_rows("a time zone that there is none of")
def _(damage: Damage) -> None:
    if "timezone" not in damage.table.columns:
        raise NotHere
    damage.all_lose("timezone", damage.random.choice(["Europe/Nowhere", "+25:00", "CEST", *HOSTILE[:2]]))


@of_rows("opening hours that nobody can read")
def _(damage: Damage) -> None:
    if damage.table.name != "service_hours":
        raise NotHere
    bad: dict[str, list[Any]] = {
        "weekday": [0, 8],
        "opens_at": ["24:00", "9am", "09:75", " "],
        "closes_at": ["25:00", "17"],
    }
    column = damage.random.choice(list(bad))
    damage.all_lose(column, damage.random.choice(bad[column]))


@of_rows("an unknown code")
def _(damage: Damage) -> None:
    if not damage.table.codes:
        raise NotHere
    damage.put(damage.random.choice(list(damage.table.codes)), damage.random.choice([*HOSTILE[:3], "weird"]))
    damage.delta["unknown"] = len(damage.rows)


@of_rows("a code in capitals between blanks")
def _(damage: Damage) -> None:
    if not damage.table.codes:
        raise NotHere
    column, codes = damage.random.choice(list(damage.table.codes.items()))
    if column in (*damage.table.key, "survey_type"):  # which would be another key, or another scale
        raise NotHere
    damage.put(column, f"  {codes[0].upper()} ")


@of_rows("a row twice in a file")
def _(damage: Damage) -> None:
    damage.rows += [dict(row) for row in damage.rows]
    half = len(damage.rows) // 2
    damage.delta = Counter(raw=2 * half, accepted=half, duplicate=half)


@of_rows("a row again")
def _(damage: Damage) -> None:
    damage.rows = [dict(row) for row in damage.clean[:3]]
    damage.all_are("duplicate")


@of_rows("an older version")
def _(damage: Damage) -> None:
    damage.rows = [{**row, LANDED_AT: LONG_AGO} for row in damage.clean[:3]]
    damage.all_are("duplicate")


@of_rows("a newer version")
def _(damage: Damage) -> None:
    damage.rows = [{**row, LANDED_AT: LATE} for row in damage.clean[:3]]
    damage.all_are("duplicate")


@of_rows("a newer version that cannot be used")
def _(damage: Damage) -> None:
    column = damage.pick(required=True)
    damage.rows = [{**row, LANDED_AT: LATE, column: None} for row in damage.clean[:3]]
    damage.all_are("rejected")


@of_rows("a row removed")
def _(damage: Damage) -> None:
    damage.rows = [{**row, LANDED_AT: LATE, DELETED: True} for row in damage.clean[:3]]
    gone = len(damage.rows)
    damage.delta = Counter(raw=gone, accepted=-gone, duplicate=2 * gone)


@of_rows("a row removed that never was")
def _(damage: Damage) -> None:
    damage.put(DELETED, "yes")
    damage.all_are("duplicate")


@of_rows("removed by its key alone")
def _(damage: Damage) -> None:
    keys = {*damage.table.key}
    if damage.table.own_time in keys or damage.table.name == "survey_responses":
        raise NotHere
    damage.rows = [{column: row[column] for column in keys} | {DELETED: True} for row in damage.rows]
    for row in damage.rows:
        row.update(dict.fromkeys([c for c in damage.table.required if c not in keys]))
    damage.all_are("duplicate")


@of_rows("a row from the future")
def _(damage: Damage) -> None:
    damage.put(instant(damage), AS_OF + timedelta(microseconds=1))
    damage.all_are("future")


@of_rows("the end of time")
def _(damage: Damage) -> None:
    damage.put(instant(damage), "9999-12-31 23:59:59")
    damage.all_are("future")


@of_rows("the far past")
def _(damage: Damage) -> None:
    damage.put(instant(damage), damage.random.choice([datetime(1900, 1, 1), "1969-12-31T23:59:59Z", "1970-01-01"]))
    if damage.table.name == "survey_responses":
        damage.put("started_at", None)


@of_rows("a time with an offset")
def _(damage: Damage) -> None:
    damage.put(
        instant(damage), damage.random.choice(["2024-03-31T02:30:00+02:00", "2024-03-31 02:30:00 Europe/Berlin"])
    )
    if damage.table.name in ("survey_responses", "interactions", "tickets"):
        for column in ("started_at", "answered_at", "ended_at", "solved_at", "closed_at"):
            if column in damage.table.columns and column != damage.table.own_time:
                damage.put(column, None)


@of_rows("hostile text")
def _(damage: Damage) -> None:
    column = damage.pick("varchar")
    for row in damage.rows:
        row[column] = damage.random.choice(HOSTILE)


@of_rows("hostile keys")
def _(damage: Damage) -> None:
    column = fresh_column(damage.table)
    for number, row in enumerate(damage.rows):
        row[column] = f"{number}{HOSTILE[(number + damage.random.randrange(99)) % len(HOSTILE)]}"


@of_rows("a null byte", ("parquet", "json", "jsonl"))
def _(damage: Damage) -> None:
    damage.put(damage.pick("varchar"), "a\x00b")


@of_rows("very long text")
def _(damage: Damage) -> None:
    damage.put(damage.pick("varchar"), "x" * 300_000)


@of_rows("columns nobody knows")
def _(damage: Damage) -> None:
    damage.put("Robert'); drop table x; --", "1")
    damage.put('"quoted"', "2")
    damage.put("filename", "3")


@of_rows("columns in capitals and another order")
def _(damage: Damage) -> None:
    damage.rows = [{name.upper(): row[name] for name in reversed(row)} for row in damage.rows]


@of_rows("only the required columns")
def _(damage: Damage) -> None:
    needed = {*damage.table.required, *damage.table.key}
    damage.rows = [{column: row[column] for column in damage.table.columns if column in needed} for row in damage.rows]


@of_rows("everything as text")
def _(damage: Damage) -> None:
    damage.rows = [{name: text(value) for name, value in row.items()} for row in damage.rows]


@of_rows("numbers between blanks")
def _(damage: Damage) -> None:
    column = damage.pick("double", "bigint", "decimal(18,4)")
    damage.put(column, " 1 ")
    if column in ("score", "rating"):
        damage.put("scale_min", None)


@of_rows("an empty row")
def _(damage: Damage) -> None:
    damage.rows = [dict.fromkeys(damage.table.columns)]
    damage.all_are("rejected")


@of_rows("a required column missing")
def _(damage: Damage) -> None:
    gone = damage.random.choice(damage.table.required)
    damage.rows = [{name: value for name, value in row.items() if name != gone} for row in damage.rows]
    damage.refused, damage.delta = True, Counter()


@of_bytes("another delimiter", LINES)
def _(content: bytes, damage: Damage) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=damage.random.choice(";\t|")).writerows(rows)
    return out.getvalue().encode()


@of_bytes("a byte order mark", LINES)
def _(content: bytes, damage: Damage) -> bytes:
    return b"\xef\xbb\xbf" + content


@of_bytes("lines that end as elsewhere", LINES)
def _(content: bytes, damage: Damage) -> bytes:
    return content.replace(b"\r\n", b"\n")


@of_bytes("a header alone", LINES)
def _(content: bytes, damage: Damage) -> bytes:
    damage.delta = Counter()
    return content.split(b"\r\n")[0] + b"\r\n"


def refuse(name: str, formats: tuple[str, ...], change: Callable[[bytes, random.Random], bytes]) -> None:
    """Register damage to a file's bytes that makes all of it unusable."""

    def spoil(content: bytes, damage: Damage) -> bytes:
        damage.refused, damage.delta = True, Counter()
        return change(content, damage.random)

    of_bytes(name, formats)(spoil)


def cut(content: bytes, chance: random.Random) -> bytes:
    """The file up to somewhere within its last row or footer."""
    return content[: -chance.randrange(2, 9)]


refuse("half a file", ("parquet", "json"), lambda content, _: content[: len(content) // 2])
refuse("the end missing", ("parquet", "json", "jsonl"), cut)
refuse("no bytes", FORMATS, lambda *_: b"")
refuse("noise", ("parquet", "json", "jsonl"), lambda content, chance: chance.randbytes(len(content)))
refuse("values zeroed", ("parquet",), lambda content, _: zeroed(content))
refuse("UTF-16", TEXT, lambda content, _: content.decode().encode("utf-16"))
refuse("Latin-1", LINES, lambda content, _: content + "Ärger\r\n".encode("latin-1"))
refuse("a broken quote", LINES, lambda content, _: content + f'"{SECRET}\r\n'.encode())
refuse("a line too long", LINES, lambda content, _: content + b",".join([b"x"] * 400) + b"\r\n")
refuse("a line too short", LINES, lambda content, _: content + SECRET.encode() + b"\r\n")
refuse("a huge field", LINES, lambda content, _: content + b"x" * 2_500_000 + b"\r\n")
refuse("no header", LINES, lambda content, _: content.split(b"\r\n", 1)[1])
refuse("a column twice", LINES, lambda content, _: content.replace(b",", b"," + content.split(b",")[0] + b",", 1))
refuse("a broken line", ("jsonl",), lambda content, _: content + f'{{"x": "{SECRET}'.encode())
refuse("no objects", ("json", "jsonl"), lambda *_: f'["{SECRET}", 2]'.encode())
refuse("another kind of file", FORMATS, lambda *_: b"%PDF-1.7\n" + bytes(range(256)) * 8)


def zeroed(content: bytes) -> bytes:
    """A Parquet file whose footer is whole and whose values are not."""
    body = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return content[:4] + bytes(body - 4) + content[body:]


def fresh_column(table: RawTable) -> str:
    """The key column that tells copies apart."""
    return next(name for name in table.key if table.columns[name] == "varchar" and name not in table.codes)


def text(value: Any) -> Any:
    """A value as an export writes it."""
    return value if value is None or isinstance(value, str) else str(value)


def encode(table: RawTable, rows: list[Row], file_format: str) -> bytes:
    """Rows as the bytes of a file; what is not of its column's type makes the column text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if file_format == "parquet":
        columns = {}
        for name in names:
            values = [row.get(name) for row in rows]
            contract = {**table.columns, LANDED_AT: "timestamp", DELETED: "boolean"}.get(name.lower(), "varchar")
            types = {type(value) for value in values if value is not None}
            fits = all(abs(value) < 2**63 for value in values if isinstance(value, int))
            if types <= {PYTHON[contract]} and fits:
                columns[name] = pa.array(values, ARROW[contract])
            elif types in ({int}, {float}, {datetime}) and fits:
                columns[name] = pa.array(values)  # of another type than the contract's
            else:
                columns[name] = pa.array(list(map(text, values)), pa.string())
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink, compression="none")
        return sink.getvalue()
    texts = [
        {name: row.get(name) if isinstance(row.get(name), bool) else text(row.get(name)) for name in names}
        for row in rows
    ]
    if file_format == "json":
        return json.dumps(texts).encode()
    if file_format == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in texts).encode()
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(texts)
    return out.getvalue().encode()


@cache
def runner() -> dbtRunner:
    """One for all runs, so that the project is read once."""
    return dbtRunner()


def judge(raw: Path, output: Output, as_of: datetime) -> ValidationResult:
    """Validate and, where nothing stops it, let dbt judge every row and count.

    Raises:
        ValueError: dbt failed.
    """
    result = validate(raw, output.validation, data_docs=False, as_of=as_of)
    if result.stops:
        return result
    know_files(output)
    os.environ.update(RAW_DIR=str(raw), OUTSIDE_IN_DATABASE=str(output.built), OUTSIDE_IN_THREADS="2")
    done = runner().invoke(
        [
            "--quiet", "--no-version-check", "run", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(output.dbt / "target"), "--log-path", str(output.dbt / "logs"),
            "--vars", json.dumps({"as_of": str(as_of)}),
            "--select", "+data_quality_quarantine", "+data_quality_reconciliation",
        ]
    )  # fmt: skip
    # dbt keeps the database open as long as the process lives.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not done.success:
        told: Any = done.result if isinstance(done.result, RunExecutionResult) else []
        raise ValueError(f"dbt failed: {done.exception or [each.message for each in told if each.message]}")
    return result


def reconciliation(output: Output) -> tuple[dict[str, Counter[str]], dict[str, Any]]:
    """The reconciliation's counts, and a fingerprint of every table's accepted rows."""
    with duckdb.connect(str(output.built), read_only=True) as con:
        rows = con.execute(
            "select raw_table, raw_rows, accepted_rows, rejected_rows, duplicate_rows, future_rows, removed_values,"
            " unknown_codes, is_balanced from marts.data_quality_reconciliation"
        ).fetchall()
        if not all(row[-1] for row in rows):
            raise ValueError("the reconciliation does not balance")
        prints = {
            name: con.execute(
                f"select count(*), bit_xor(hash(judged)) from staging.base_raw__{name} as judged"
                " where row_verdict = 'accepted'"
            ).fetchall()
            for name in raw_tables()
        }
    return {row[0]: Counter(dict(zip(COUNTS, row[1:-1], strict=True))) for row in rows}, prints


@dataclass
class Company:
    """The clean company, where it is built, and what it looks like undamaged."""

    folder: Path
    clean: dict[str, list[Row]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    accepted: dict[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> Path:
        """The raw directory, damaged anew by each run."""
        return self.folder / "raw"

    @property
    def output(self) -> Output:
        """Where the runs build."""
        return Output(self.folder / "out")

    def prepare(self) -> None:
        """Cut a sample down to a few clean rows per table, and see what becomes of them."""
        sample = generate(self.folder / "sample", customers=100, days=365).out
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            for name, table in raw_tables().items():
                key = ", ".join(table.key)
                filled = " and ".join(f"{column} is not null" for column in table.required)
                codes = "".join(
                    f" and ({column} is null or {column} in {codes!r})" for column, codes in table.codes.items()
                )
                (self.raw / name).mkdir(parents=True)
                con.execute(
                    f"copy (select * from read_parquet('{sample}/{name}/part*.parquet', union_by_name = true)"
                    f" where {filled}{codes} qualify count(*) over (partition by {key}) = 1 order by {key}"
                    f" limit {ROWS}) to '{self.raw / name / 'clean.parquet'}' (format parquet)"
                )
        shutil.rmtree(sample)
        self.judge()
        self.counts, self.accepted = reconciliation(self.output)
        with duckdb.connect(str(self.output.built), read_only=True) as con:
            for name, table in raw_tables().items():
                columns = ", ".join(table.columns)
                found = con.execute(
                    f"select {columns}, {LANDED_AT} from staging.base_raw__{name}"
                    " where row_verdict = 'accepted' and removed_values is null order by all"
                )
                names = [column[0] for column in found.description]
                self.clean[name] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def judge(self) -> ValidationResult:
        """Validate, and judge every row."""
        return judge(self.raw, self.output, AS_OF)


@dataclass(frozen=True)
class Trial:
    """One damaged input."""

    table: str
    kind: str
    format: str
    damage: Damage

    def __str__(self) -> str:
        """Enough to find it."""
        expected = {name: n for name, n in self.damage.delta.items() if n}
        return f"{self.name} with {self.kind}, expected {expected}"

    @property
    def name(self) -> str:
        """Where it is, below the raw directory."""
        return f"{self.table}/damaged.{self.format}"


def damage_table(company: Company, table: RawTable, kind: str, chance: random.Random) -> Trial | None:
    """Write a damaged file of this kind into a table, in a format that can have it; None where the table cannot."""
    file_format = chance.choice(KINDS[kind].formats)
    column = fresh_column(table)
    some = chance.sample(company.clean[table.name], min(3, len(company.clean[table.name])))
    copies = [{**row, column: f"{row[column]}~{number}"} for number, row in enumerate(some)]
    damage = Damage(table, copies, company.clean[table.name], chance)
    damage.all_are("accepted")
    try:
        if spoil_rows := KINDS[kind].rows:
            spoil_rows(damage)
    except NotHere:
        return None
    if kind == "values zeroed" and table.name in NEVER_SET_ASIDE:
        return None  # seen only by reading all of it, which the whole run would have to do
    keyed = all({*table.key} <= {*row} for row in damage.rows)
    if KINDS[kind].rows and keyed and not damage.refused and chance.random() < 0.5:
        alone = chance.sample(company.clean[table.name], min(2, len(company.clean[table.name])))
        damage.stand_by([{**row, column: f"{row[column]}{BYSTANDER}{number}"} for number, row in enumerate(alone)])
    content = encode(table, damage.rows, file_format)
    if spoil_bytes := KINDS[kind].content:
        content = spoil_bytes(content, damage)
    trial = Trial(table.name, kind, file_format, damage)
    zipped = gzip.compress(content, mtime=0) if file_format == "csv.gz" and content else content
    (company.raw / trial.name).write_bytes(zipped)
    return trial


def run(company: Company, seed: int) -> tuple[list[Trial], list[str]]:
    """Damage most tables, judge everything, and see that each damage did what it must and nothing else.

    Args:
        company: the prepared company; its raw directory is clean again afterwards.
        seed: the same seed damages the same way.

    Returns:
        The trials, and what is not as it must be.
    """
    chance = random.Random(seed)
    trials: list[Trial] = []
    try:
        for table in raw_tables().values():
            if chance.random() < 0.9:  # the others must not change at all
                kinds = chance.sample(list(KINDS), len(KINDS))
                trial = next(filter(None, (damage_table(company, table, kind, chance) for kind in kinds)), None)
                trials += [trial] if trial else []
        stopping = [trial for trial in trials if trial.damage.refused and trial.table in NEVER_SET_ASIDE]
        stops = [each.where for each in inspect_files(company.raw).findings() if each.severity == "critical"]
        wrong = [f"{trial}: does not stop the build" for trial in stopping if trial.name not in stops]
        for trial in stopping:
            (company.raw / trial.name).unlink()
        try:
            wrong += check(company, company.judge(), [trial for trial in trials if trial not in stopping])
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error} in {[*map(str, trials)]}")
    finally:
        for path in company.raw.glob("*/damaged.*"):
            path.unlink()
    return trials, [f"seed {seed}: {each}" for each in wrong]


def check(company: Company, result: ValidationResult, trials: list[Trial]) -> list[str]:
    """What became of each damaged file, where it is not what must."""
    wrong = []
    refused = {trial.name for trial in trials if trial.damage.refused}
    found = {finding.where for finding in result.critical}
    wrong += [f"{trial}: {'not ' * trial.damage.refused}refused" for trial in trials if trial.name in refused ^ found]
    if result.stops or result.ok == bool(refused):
        return [*wrong, f"ok {result.ok}, stops {result.stops}"]
    if SECRET.split("@")[0] in repr(result.findings):
        wrong.append("a finding repeats a value")
    counts, accepted = reconciliation(company.output)
    told = {(each.table, word) for each in result.warnings for word in sum(FINDINGS.values(), ()) if word in each.what}
    damaged = {trial.table: trial for trial in trials}
    for table in raw_tables():
        trial = damaged.get(table)
        delta = trial.damage.delta if trial else Counter[str]()
        change = {name: counts[table][name] - company.counts[table][name] for name in COUNTS}
        if change != {name: delta[name] for name in COUNTS}:
            wrong.append(f"{trial or table}: changed by { {name: n for name, n in change.items() if n} }")
        if not delta and accepted[table] != company.accepted[table]:
            wrong.append(f"{trial or table}: its accepted rows are others")
    with duckdb.connect(str(company.output.built), read_only=True) as con:
        wrong += [f"{trial}: rows beside the damaged ones are others" for trial in trials if not beside(con, trial)]
        listed = con.execute(
            "select raw_table, action, count(*), list(file_name) from marts.data_quality_quarantine group by all"
        ).fetchall()
    entries = Counter({(table, action): number for table, action, number, _ in listed})
    if {name for _, action, _, names in listed for name in names if action == "file_set_aside"} != refused:
        wrong.append("the quarantine lists other files")
    for table in raw_tables():
        # Whoever validates hears of what staging will do.
        trial = damaged.get(table)
        for count, words in FINDINGS.items():
            is_told, is_done = any((table, word) in told for word in words), counts[table][count] > 0
            # Values of rows that are not accepted are told of, and not removed.
            judged = trial and trial.damage.delta["accepted"] > len(trial.damage.bystanders)
            if (is_done and not is_told) or (is_told and not is_done and (count == "rejected" or not trial or judged)):
                wrong.append(f"{damaged.get(table, table)}: {count} in staging and in the validation differ")
        rejected, removed = entries[table, "row_rejected"], entries[table, "value_removed"]
        if (rejected, removed) != (counts[table]["rejected"], counts[table]["removed"]):
            wrong.append(f"{damaged.get(table, table)}: {rejected} rows and {removed} values in quarantine")
    return wrong


def beside(con: duckdb.DuckDBPyConnection, trial: Trial) -> bool:
    """Whether a file's undamaged rows are accepted as they were written."""
    expected = trial.damage.bystanders
    if not expected:
        return True
    found = con.execute(
        f"select {', '.join(expected[0])} from staging.base_raw__{trial.table}"
        f" where row_verdict = 'accepted' and {fresh_column(trial.damage.table)} like '%{BYSTANDER}%'"
    ).fetchall()
    return sorted(map(repr, found)) == sorted(repr(tuple(row.values())) for row in expected)


def main(wanted: int, seed: int = 0) -> None:
    """Run until so many damaged inputs have been tried; every failure is told with the seed that repeats it."""
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder))
        company.prepare()
        tried, runs, failures = Counter[str](), 0, 0
        while tried.total() < wanted:
            trials, wrong = run(company, seed + runs)
            runs += 1
            tried.update(trial.kind for trial in trials)
            failures += len(wrong)
            for line in wrong:
                print(line, flush=True)
            print(f"{tried.total()} of {wanted} damaged inputs, {failures} wrong", file=sys.stderr)
    print(f"{tried.total()} damaged inputs of {len(tried)} kinds in {runs} runs; {failures} not as they must be")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
