"""Each rule finds the row that breaks it and no other; broken files stop the build; no value comes out."""

from __future__ import annotations

import gzip
import json
import re
import socket
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from rich.console import Console

from outside_in.contract import raw_tables
from outside_in.validation import Finding, ValidationResult, inspect_files, print_summary, validate
from outside_in.validation.views import landed

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
REAL_CASES = sorted(path for path in REAL.glob("*/raw*") if path.is_dir())
NOON = datetime(2026, 6, 1, 12)
SECRET = "maria.kowalska@example.org"

Row = dict[str, Any]


def write(raw: Path, table: str, rows: list[Row], name: str = "part-0.parquet") -> Path:
    """One file of a table: Parquet, or text by the name's ending."""
    path = raw / table / name
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in rows]), path)
    elif name.endswith((".json", ".jsonl")):
        path.write_text("\n".join(json.dumps(row, default=str) for row in rows))
    else:
        lines = [columns, *([str("" if row.get(c) is None else row[c]) for c in columns] for row in rows)]
        text = "".join(",".join(line) + "\n" for line in lines)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def check(raw: Path, **options: Any) -> ValidationResult:
    """Validate without Data Docs."""
    return validate(raw, raw.parent / "out", data_docs=False, **options)


def only(findings: list[Finding], words: str) -> Finding:
    """The one finding that says `words`."""
    found = [finding for finding in findings if words in finding.what]
    assert len(found) == 1, [finding.what for finding in findings]
    return found[0]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """An empty raw directory."""
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


GOOD: dict[str, Row] = {
    "tickets": {"ticket_id": "t", "created_at": NOON, "solved_at": NOON, "status": " Open "},
    "interactions": {
        "interaction_id": "i",
        "channel": "phone",
        "started_at": NOON,
        "answered_at": NOON,
        "talk_seconds": 0.0,
        "transfer_count": 0,
    },
    "survey_responses": {"response_id": "r", "survey_type": "csat", "responded_at": NOON, "score": 5.0},
    "quality_reviews": {"review_id": "q", "scored_at": NOON, "score": 100.0},
    "reviews": {"platform": "p", "review_id": "r", "posted_at": NOON, "rating": 10.0, "scale_max": 10.0},
    "service_hours": {"schedule_id": "s", "weekday": 7, "opens_at": "8:00", "closes_at": "24:00"},
    "agents": {"agent_id": "a", "started_on": date(2026, 1, 1), "ended_on": date(2026, 1, 1)},
    "page_audits": {"page_path": "/", "form_factor": "mobile", "audited_at": NOON, "performance_score": 1.0},
    "customers": {"customer_id": "c", "timezone": " europe/Berlin "},
    "web_events": {
        "event_id": "e",
        "visitor_id": "v",
        "event_at": NOON,
        "event_name": "page_view",
        "lcp_ms": 0.0,
    },
    "customer_identities": {
        "identity_type": "email",
        "identity_value": "hash",
        "customer_id": "c",
        "linked_at": NOON,
    },
}
EARLIER = NOON - timedelta(seconds=1)
# what breaks a rule: table, the change to the good row, the words of the finding
BREAKS: list[tuple[str, Row, str]] = [
    ("tickets", {"created_at": None}, "required created_at is null"),
    ("tickets", {"status": "half-open"}, "status holds unknown codes (1 different)"),
    ("tickets", {"solved_at": EARLIER}, "solved_at is before created_at"),
    ("tickets", {"_loaded_at": NOON - timedelta(days=2)}, "created_at is more than a day after"),
    ("interactions", {"answered_at": EARLIER}, "answered_at is before started_at"),
    ("interactions", {"talk_seconds": -0.1}, "talk_seconds is not at least 0"),
    ("interactions", {"transfer_count": -1}, "transfer_count is not at least 0"),
    ("survey_responses", {"score": 5.1}, "score is off its scale"),
    ("survey_responses", {"score": 10.5, "survey_type": "nps"}, "score is off its scale"),
    ("survey_responses", {"score": 0.0, "survey_type": "ces"}, "score is off its scale"),
    ("survey_responses", {"score": 5.0, "scale_max": 4.0}, "score is off its scale"),
    ("survey_responses", {"started_at": NOON + timedelta(seconds=1)}, "responded_at is before started_at"),
    ("quality_reviews", {"score": 101.0}, "score is off its scale"),
    ("reviews", {"rating": 0.5}, "rating is off its scale"),
    ("service_hours", {"weekday": 8}, "weekday is not between 1 and 7"),
    ("service_hours", {"opens_at": "24:00"}, "opens_at is not as it must be"),
    ("service_hours", {"closes_at": "5pm"}, "closes_at is not as it must be"),
    ("agents", {"ended_on": date(2025, 12, 31)}, "ended_on is before started_on"),
    ("page_audits", {"performance_score": 1.01}, "performance_score is not between 0 and 1"),
    ("customers", {"timezone": "Berlin"}, "timezone is not as it must be"),
    ("web_events", {"lcp_ms": -1.0}, "lcp_ms is not at least 0"),
    ("customer_identities", {"unlinked_at": EARLIER}, "unlinked_at is before linked_at"),
]


@pytest.mark.parametrize("table", GOOD)
def test_good_rows_give_no_finding(raw: Path, table: str) -> None:
    write(raw, table, [GOOD[table]])
    result = check(raw)
    assert result.findings == []
    assert result.tables[table].rows == 1
    assert all(check.success for check in result.tables[table].checks)


@pytest.mark.parametrize(("table", "change", "words"), BREAKS, ids=[words for _, _, words in BREAKS])
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_a_bad_row_is_found_where_it_is(raw: Path, table: str, change: Row, words: str, kind: str) -> None:
    if kind == "csv" and len(GOOD[table]) == 1:
        pytest.skip("nothing to separate")
    key = raw_tables()[table].key[0]
    good = {**dict.fromkeys(change), **GOOD[table]}
    rows = [{**good, key: 1}, {**good, key: 2}, {**good, **change, key: 3}, {**good, key: 4}]
    if key == "identity_type":  # a code: the row is told apart by another part of the key
        rows = [{**row, key: "email", "identity_value": str(row[key])} for row in rows]
    if kind == "parquet" and key != "identity_type":
        rows = [{**row, key: str(row[key])} for row in rows]
    write(raw, table, rows, f"part-0.{kind}")
    result = check(raw)
    assert result.ok
    finding = only(result.warnings, words)
    assert (finding.table, finding.count, finding.rows) == (table, 1, (3,))
    is_required = any(words.startswith(column) for column in raw_tables()[table].required)
    assert not (is_required and "removes the value" in finding.advice), "only optional values are removed"
    assert finding.where == f"{table}/part-0.{kind}"
    assert len(result.warnings) == 1


def test_keys_repeat_across_files_and_a_null_in_an_optional_part_is_a_value(raw: Path) -> None:
    write(raw, "quality_reviews", [{**GOOD["quality_reviews"], "review_id": i} for i in ("1", "2")], "a.parquet")
    write(raw, "quality_reviews", [{**GOOD["quality_reviews"], "review_id": i} for i in ("2", "3")], "b.csv")
    finding = only(check(raw).warnings, "rows share their key (review_id, criterion)")
    assert (finding.count, finding.where, finding.rows) == (2, "quality_reviews/a.parquet and 1 more", (2,))


@pytest.mark.parametrize("name", ["part-0.parquet", "part-0.csv"])
def test_a_row_that_removes_another_needs_no_more_than_its_key(raw: Path, name: str) -> None:
    gone = {"ticket_id": "t", "created_at": None, "_deleted": True}
    write(raw, "tickets", [gone, {"ticket_id": "u", "created_at": None, "_deleted": False}, GOOD["tickets"]], name)
    assert only(check(raw).findings, "required created_at").count == 1


def test_unreadable_text_is_told_from_text_of_the_right_form(raw: Path) -> None:
    rows: list[Row] = [
        {"ticket_id": "1", "created_at": "2026-06-01T12:00:00+02:00", "is_spam": "true"},
        {"ticket_id": "2", "created_at": "2026-06-01 12:00", "is_spam": "perhaps", "_loaded_at": "then"},
        {"ticket_id": "3", "created_at": "yesterday", "is_spam": None},
    ]
    write(raw, "tickets", rows, "text.csv.gz")
    result = check(raw)
    assert only(result.warnings, "required created_at is null or unreadable").rows == (3,)
    assert only(result.warnings, "is_spam cannot be read as boolean").rows == (2,)
    assert only(result.warnings, "_loaded_at cannot be read as timestamp").rows == (2,)
    assert len(result.warnings) == 3


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        ("tickets", "created_at", "epoch"),
        ("tickets", "created_at", "infinity"),
        ("tickets", "created_at", "2026-06-01 n/a"),
        ("customer_identities", "linked_at", "epoch"),
        ("agents", "started_on", "2026-06-01 n/a"),
        ("agents", "started_on", "epoch"),
    ],
)
def test_words_are_no_time(raw: Path, table: str, column: str, text: str) -> None:
    assert check_one(raw, table, {column: text}) == 1
    assert check_one(raw, table, {column: "2026-06-01 00:00:00"}) == 0


def check_one(raw: Path, table: str, values: Row) -> int:
    """How many findings there are of unreadable values in a row that is good but for these values."""
    write(raw, table, [{**GOOD[table], **values}], "part-0.csv")
    return sum("unreadable" in found.what or "cannot be read" in found.what for found in check(raw).warnings)


def test_text_that_parquet_holds_as_bytes_is_text(raw: Path) -> None:
    (raw / "tickets").mkdir()
    duckdb.execute(
        "copy (select encode('t1') as ticket_id, encode('2026-06-01') as created_at, encode('Web_Form') as channel,"
        f" encode('Müller') as subject) to '{raw}/tickets/old.parquet' (format parquet)"
    )
    result = check(raw)
    assert result.ok and not result.warnings
    rows = landed(raw_tables()["tickets"], inspect_files(raw).readable("tickets"))
    assert duckdb.execute(f"select ticket_id, created_at, channel, subject from ({rows})").fetchall() == [
        ("t1", datetime(2026, 6, 1), "Web_Form", "Müller")
    ]


def test_a_blank_is_no_code_but_where_there_must_be_one(raw: Path) -> None:
    write(raw, "tickets", [{**GOOD["tickets"], "status": "", "priority": " "}])
    write(raw, "interactions", [{**GOOD["interactions"], "channel": " "}])
    result = check(raw)
    assert only(result.warnings, "unknown codes").table == "interactions" and len(result.warnings) == 1


def test_columns_without_a_name_are_ignored(raw: Path) -> None:
    """As pandas and R write their index, and as a comma at the end of every line makes one."""
    text = ",ticket_id,created_at,,\n0,1,2026-06-01,,\n1,2,2026-06-02,,\n"
    write(raw, "tickets", [GOOD["tickets"]])
    (raw / "tickets" / "indexed.csv").write_text(text, "utf-8")
    result = check(raw)
    assert result.ok and result.tables["tickets"].rows == 3
    assert "column 1 without a name" in only(result.notes, "does not know are ignored").what


@pytest.mark.parametrize("filled", [0, 1, 5])
def test_unreadable_values_are_counted_however_few_can_be_read(raw: Path, filled: int) -> None:
    rows: list[Row] = [{**GOOD["tickets"], "ticket_id": str(i), "is_spam": "perhaps"} for i in range(3)]
    rows += [{**GOOD["tickets"], "ticket_id": str(9 + i), "is_spam": "true"} for i in range(filled)]
    write(raw, "tickets", rows, "a.csv")
    result = check(raw)
    assert result.ok and only(result.warnings, "is_spam cannot be read as boolean").count == 3


def test_offsets_are_compared_in_utc(raw: Path) -> None:
    times = {"created_at": "2026-06-01T12:00:00+02:00", "solved_at": "2026-06-01T10:00:00Z"}
    write(raw, "tickets", [{"ticket_id": "1", **times}, {"ticket_id": "2", **times}], "a.jsonl")
    assert check(raw).findings == []


@pytest.mark.parametrize(("known", "broken"), [(19, False), (18, True)])
def test_orphans_warn_above_five_per_cent(raw: Path, known: int, broken: bool) -> None:
    orders: list[Row] = [{"order_id": str(i), "ordered_at": NOON} for i in range(known)]
    write(raw, "orders", orders)
    write(raw, "order_items", [{"order_id": str(i), "line_number": 1} for i in range(20)])
    found = [finding for finding in check(raw).warnings if finding.table == "order_items"]
    assert [finding.count for finding in found] == ([2] if broken else [])


def test_ids_that_became_floats_are_the_same_ids(raw: Path) -> None:
    pa_orders = pa.table({"order_id": pa.array([1, 2, 3], pa.int64()), "ordered_at": [NOON] * 3})
    pa_items = pa.table({"order_id": pa.array([1.0, 2.0, 3.5], pa.float64()), "line_number": [1, 1, 1]})
    for name, table in (("orders", pa_orders), ("order_items", pa_items)):
        (raw / name).mkdir(parents=True)
        pq.write_table(table, raw / name / "a.parquet")
    assert only(check(raw).warnings, "order_id is not in orders").count == 1


def test_keys_are_those_that_staging_uses(raw: Path) -> None:
    """A response without question_id is of what it asks, a review without criterion of the whole."""
    answer = {"response_id": "r", "survey_type": "csat", "responded_at": NOON, "score": 5.0}
    write(raw, "survey_responses", [{**answer, "aspect": "overall"}, {**answer, "aspect": "product"}])
    review = {"review_id": "q", "interaction_id": "i", "scored_at": NOON, "score": 50.0}
    write(raw, "quality_reviews", [review, {**review, "criterion": "tone"}])
    assert "share their key" not in str(check(raw).warnings)
    write(raw, "survey_responses", [{**answer, "aspect": None}], "again.parquet")
    write(raw, "quality_reviews", [{**review, "criterion": "overall"}], "again.parquet")
    shared = [finding for finding in check(raw).warnings if "share their key" in finding.what]
    assert [(finding.table, finding.count) for finding in shared] == [("quality_reviews", 2), ("survey_responses", 2)]


def test_no_orphans_where_the_other_table_is_not_delivered(raw: Path) -> None:
    write(raw, "order_items", [{"order_id": "1", "line_number": 1}])
    assert check(raw).findings == []


@pytest.mark.parametrize(("days", "broken"), [(7, False), (8, True)])
def test_a_table_that_stopped_is_behind_the_data_and_not_behind_the_clock(raw: Path, days: int, broken: bool) -> None:
    write(raw, "orders", [{"order_id": "1", "ordered_at": datetime(2020, 5, 20)}])
    write(raw, "tickets", [{"ticket_id": "1", "created_at": datetime(2020, 5, 20) - timedelta(days=days)}])
    found = [finding for finding in check(raw).warnings if "has stopped" in finding.what]
    assert [(finding.table, "days behind 8" in finding.what) for finding in found] == [("tickets", True)] * broken


def test_as_of_is_where_freshness_is_measured(raw: Path) -> None:
    write(raw, "tickets", [GOOD["tickets"]])
    assert check(raw, as_of=NOON + timedelta(days=7)).findings == []
    late = datetime(2026, 6, 8, 14, tzinfo=UTC)
    assert only(check(raw, as_of=late).warnings, "has stopped").table == "tickets"
    assert check(raw, as_of=late.replace(tzinfo=timezone(timedelta(hours=2)))).findings == []


@pytest.mark.parametrize(("last", "broken"), [(5, True), (6, False), (60, False), (61, True)])
def test_volume_of_the_last_full_day_against_a_usual_day(raw: Path, last: int, broken: bool) -> None:
    start = datetime(2026, 5, 1)
    days = [20] * 29 + [last, 1]  # the last entry is the day that is not over
    rows = [
        {"ticket_id": f"{day}-{n}", "created_at": start + timedelta(days=day, minutes=n)}
        for day, count in enumerate(days)
        for n in range(count)
    ]
    write(raw, "tickets", rows)
    found = check(raw).warnings
    assert [f"last day rows {last}, median rows 20" in finding.what for finding in found] == [True] * broken


def broken_parquet(raw: Path) -> Path:
    """Cut in half."""
    path = write(raw, "tickets", [{**GOOD["tickets"], "ticket_id": str(i)} for i in range(1000)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def text_file(name: str, content: bytes) -> Callable[[Path], Path]:
    """A tickets file with the given bytes."""

    def make(raw: Path) -> Path:
        path = raw / "tickets" / name
        path.parent.mkdir()
        path.write_bytes(content)
        return path

    return make


CSV = b"ticket_id,created_at,subject\n1,2026-06-01,a\n2,2026-06-01,b\n"
COMPRESSOR = zlib.compressobj(wbits=31)
CUT = COMPRESSOR.compress(CSV) + COMPRESSOR.flush(zlib.Z_FULL_FLUSH)
UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "truncated Parquet": (broken_parquet, "not a complete Parquet file"),
    "ragged CSV": (text_file("a.csv", CSV + f"3,2026-06-01,{SECRET},x\n".encode()), "at line 4"),
    "CSV in another encoding": (text_file("a.csv", CSV + "3,2026-06-01,Ä\n".encode("latin-1")), "UTF-8"),
    "CSV with an open quote": (
        text_file("a.csv", CSV + f'3,2026-06-01,"{SECRET}\n'.encode()),
        "a quoted field is not closed",
    ),
    "CSV with two kinds of line ends": (text_file("a.csv", CSV + b"3,2026-06-01,c\r\n"), "end in the same way"),
    "CSV with a column twice": (text_file("a.csv", b"ticket_id,ticket_id\n1,2\n"), "a column twice"),
    "truncated gzip": (text_file("a.csv.gz", gzip.compress(CSV)[:-12]), "CSV"),
    "gzip cut at the end of a line": (text_file("a.csv.gz", CUT), "CSV"),
    "no gzip": (text_file("a.csv.gz", CSV), "CSV"),
    "empty": (text_file("a.csv", b""), "0 bytes"),
    "broken JSON lines": (text_file("a.jsonl", b'{"ticket_id": "1"}\n{"ticket_id": '), "at line"),
    "JSON of no objects": (text_file("a.json", b"[1, 2]"), "JSON"),
    "an array for JSON lines": (text_file("a.jsonl", b"[]"), "one well-formed JSON object per line"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_is_named_and_stops_the_build_where_the_table_has_no_other(raw: Path, kind: str) -> None:
    make, words = UNREADABLE[kind]
    path = make(raw)
    finding = only(inspect_files(raw).findings(), "cannot be read")
    assert (finding.severity, finding.where) == ("critical", f"tickets/{path.name}")
    assert words in finding.what and "example.org" not in finding.what
    assert not finding.set_aside and check(raw).stops == [finding]
    write(raw, "tickets", [GOOD["tickets"]], "good.csv")
    result = check(raw)
    assert not result.ok and not result.stops
    assert only(result.critical, "cannot be read").advice.endswith("the build goes on without it")
    assert result.tables["tickets"].rows == 1


def test_a_file_is_not_left_out_where_that_takes_back_what_is_published_or_somebodys_erasure(raw: Path) -> None:
    for table in ("tickets", "customers"):
        write(raw, table, [GOOD[table]], "a.parquet")
        write(raw, table, [GOOD[table]], "b.parquet").write_bytes(b"PAR1")
    assert [finding.table for finding in check(raw).stops] == ["customers"]
    assert [finding.table for finding in check(raw, built={"tickets/b.parquet"}).stops] == ["customers", "tickets"]


def test_a_parquet_file_damaged_in_the_middle_stops_the_build(raw: Path) -> None:
    path = write(raw, "tickets", [{"ticket_id": str(i) * 50, "created_at": NOON} for i in range(5000)])
    content = path.read_bytes()
    body = len(content) - 8 - int.from_bytes(content[-8:-4], "little")  # the footer's length stands at its end
    path.write_bytes(content[:4] + bytes(body - 4) + content[body:])
    assert inspect_files(raw).findings() == []
    assert only(check(raw).stops, "the file is damaged").where == "tickets/part-0.parquet"
    write(raw, "tickets", [GOOD["tickets"]], "good.parquet")
    result = check(raw)
    assert only(result.critical, "the file is damaged").set_aside
    assert result.tables["tickets"].rows == 1


def test_a_missing_required_column_names_file_and_column(raw: Path) -> None:
    write(raw, "orders", [{"order_id": "1", "ordered_at": NOON}], "good.parquet")
    write(raw, "orders", [{"order_id": "2", "orderedAt": NOON}], "bad.csv")
    result = check(raw)
    finding = only(result.critical, "required column ordered_at is missing in the file")
    assert (finding.table, finding.where, finding.set_aside) == ("orders", "orders/bad.csv", True)
    assert "orderedat looks like ordered_at" in finding.advice
    assert result.tables["orders"].rows == 1


def test_values_in_place_of_a_header_are_not_repeated(raw: Path) -> None:
    (raw / "tickets").mkdir()
    (raw / "tickets" / "a.csv").write_text(f"1,{SECRET}\n2,{SECRET}\n")
    result = check(raw)
    assert only(result.stops, "required columns ticket_id, created_at are missing")
    for path in (raw.parent / "out").rglob("*.*"):
        assert SECRET not in path.read_text("utf-8"), path.name


def test_strangers_are_named_and_ignored(raw: Path) -> None:
    write(raw, "ticket", [GOOD["tickets"]])
    write(raw, "tickets", [{**GOOD["tickets"], "colour": "red"}])
    (raw / "tickets" / "notes.xlsx").write_bytes(b"x")
    (raw / "tickets" / "_SUCCESS").write_bytes(b"")
    (raw / "agents").mkdir()
    (raw / "agents" / "agents.XLSX").write_bytes(b"x")
    (raw / "orders" / "2024").mkdir(parents=True)
    result = check(raw)
    stranger = only(result.warnings, "no table of the contract")
    assert (stranger.where, stranger.advice) == ("ticket", "did you mean tickets?")
    assert only(result.warnings, "not a kind of file that is read").where == "tickets/notes.xlsx"
    assert only(result.critical, "not a kind of file that is read, and the table has no other").table == "agents"
    assert only(result.critical, "a folder in a table's folder").where == "orders/2024"
    assert only(result.notes, "does not know are ignored: colour").table == "tickets"


def test_another_type_than_the_contracts_is_a_note(raw: Path) -> None:
    write(raw, "tickets", [{"ticket_id": 1, "created_at": "2026-06-01"}])
    note = only(check(raw).findings, "another type")
    assert "created_at (VARCHAR, not timestamp), ticket_id (BIGINT, not varchar)" in note.what


def test_files_without_rows(raw: Path) -> None:
    write(raw, "tickets", [{**GOOD["tickets"], "ticket_id": "1"}]).with_name("more.json").write_text("[]")
    (raw / "tickets" / "none.csv").write_text("ticket_id;created_at\n")
    (raw / "tickets" / "none.jsonl").touch()
    write(raw, "agents", [], "none.json").write_text("[]")
    result = check(raw)
    assert [finding.what for finding in result.findings] == ["the table has files and no rows"]
    assert result.tables["tickets"].files == 4


def test_no_raw_directory(tmp_path: Path) -> None:
    assert not check(tmp_path / "nowhere").ok


def test_a_raw_directory_without_any_table_is_told(raw: Path) -> None:
    assert "one with a folder per table" in only(check(raw).warnings, "no folder of a table").advice
    write(raw, "tickets", [GOOD["tickets"]])
    assert check(raw).findings == []
    assert only(check(raw / "tickets").warnings, "no folder of a table").advice == "give the folder above it"


HOSTILE = ["a'; drop table tickets; --.parquet", 'b".csv', "c*[x]?{y}.parquet", "[bold]d[red].jsonl"]
HOSTILE += ["e%$x:y.csv", "f*.parquet", "ff.parquet"]  # as a pattern, f* is both


def test_names_are_never_code(raw: Path) -> None:
    odd = {'x"; drop table tickets; --': "1", "it's": "2"}
    for number, name in enumerate(HOSTILE):
        write(raw, "tickets", [{"ticket_id": str(number), "created_at": None, **odd}], name)
    result = check(raw)
    assert result.ok and result.tables["tickets"].rows == len(HOSTILE)
    assert only(result.warnings, "required created_at").count == len(HOSTILE)
    output = StringIO()
    print_summary(result, Console(file=output, width=400))
    assert "in tickets/[bold]d[red].jsonl and 6 more" in output.getvalue()


def test_the_reports_need_nothing_from_elsewhere_and_show_no_values(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    secrets = {"contact_address": SECRET, "subject": SECRET, "status": SECRET, "channel": SECRET}
    bad = {"ticket_id": SECRET, "created_at": NOON, "solved_at": EARLIER, **secrets}
    write(raw, "tickets", [bad, bad])
    write(raw, "tickets", [{"ticket_id": SECRET, "created_at": SECRET, "is_spam": SECRET}], "b.csv")
    write(raw, "ticket_messages", [{"message_id": SECRET, "ticket_id": "x", "sent_at": SECRET, "body": SECRET}])
    write(raw, "survey_responses", [{"response_id": SECRET, "comment": SECRET, "score": SECRET}], "a.jsonl")
    told: list[tuple[float, str]] = []
    out = raw.parent / "out"
    result = validate(raw, out, progress=lambda share, what: told.append((share, what)))
    output = StringIO()
    print_summary(result, Console(file=output, width=200))
    pages = {path.name: path.read_text() for path in (out / "data_docs").iterdir()}
    assert {"index.html", "tickets.html"} <= set(pages)
    assert "status is a known code" in pages["tickets.html"]
    assert not re.search(r"<script|<link|<img|@import|https?://|\.\./", "".join(pages.values()))
    stored = (out / "validation.json").read_text()
    for text in (output.getvalue(), stored, (out / "junit.xml").read_text(), *pages.values()):
        assert "kowalska" not in text
    assert json.loads(stored)["ok"] is False
    assert len(result.warnings) > 4
    assert told[0][0] == 0.0 and told[-1][0] == 1.0 and told == sorted(told, key=lambda each: each[0])


def test_the_same_files_give_the_same_report(raw: Path) -> None:
    write(raw, "tickets", [{**GOOD["tickets"], "status": "x"}] * 3)
    first, second = (raw.parent / name for name in ("first", "second"))
    for out in (first, second):
        validate(raw, out)
    for path in sorted(path for path in first.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name


def test_great_expectations_and_the_located_rows_agree(raw: Path) -> None:
    """The count comes from the expectation, the rows from the rule's own SQL: the same number by two ways."""
    rows = [
        {
            "interaction_id": str(i // 2),
            "channel": ["phone", "fax", None][i % 3],
            "started_at": None if i % 7 == 0 else NOON,
            "ended_at": NOON + timedelta(seconds=i % 5 - 2),
            "talk_seconds": float(i % 4 - 1),
            "hold_count": i - 3,
        }
        for i in range(12)
    ]
    write(raw, "interactions", rows)
    for finding in check(raw).warnings:
        if finding.rows:
            assert len(finding.rows) == min(finding.count, 5), finding


def test_every_contract_table_has_a_suite_with_reasons(raw: Path) -> None:
    with duckdb.connect() as con:
        for name, table in raw_tables().items():
            (raw / name).mkdir()
            columns = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in table.columns.items())
            con.execute(f"copy (select {columns}) to '{raw / name / 'a.parquet'}' (format parquet)")
    result = check(raw)
    assert list(result.tables) == list(raw_tables())
    for name, checked in result.tables.items():
        claims = {each.claim for each in checked.checks}
        assert {f"{column} is filled and readable" for column in raw_tables()[name].required} <= claims
        assert {f"{column} is a known code" for column in raw_tables()[name].codes} <= claims
        assert all(each.reason for each in checked.checks)
    assert result.ok


def test_the_samples_unknown_codes_and_future_rows_are_found_to_the_row(tmp_path: Path) -> None:
    generate = pytest.importorskip("outside_in.sample").generate
    generate(tmp_path / "raw", customers=300, days=120)
    planted = json.loads((tmp_path / "raw.truth.json").read_text())["damage"]
    result = check(tmp_path / "raw")
    assert result.ok
    told: dict[tuple[str, str], int] = {}
    for finding in result.warnings:
        words = finding.what.split(" (")[0].split()
        kind = next((word for word in ("landed", "codes", "before") if word in words), words[-1])
        told[finding.table, f"{kind} {words[0]}"] = finding.count
    for table, damage in planted.items():
        own_time = raw_tables()[table].own_time
        assert told.pop((table, f"landed {own_time}"), 0) == damage.get("future_rows", 0), table
        codes = damage.get("unknown_codes", {})
        for column in raw_tables()[table].codes:
            found = told.pop((table, f"codes {column}"), 0)
            assert found == sum(codes.get(column, {}).values()), (table, column)
    assert not [what for _, what in told if what.startswith(("landed", "codes"))]


@pytest.mark.skipif(not REAL_CASES, reason="the real cases are not here")
@pytest.mark.parametrize("case", REAL_CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_real_cases_have_no_critical_finding(case: Path, tmp_path: Path) -> None:
    result = validate(case, tmp_path, data_docs=False)
    assert result.critical == []
    assert sum(table.rows for table in result.tables.values()) > 1000
