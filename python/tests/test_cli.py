"""The command line as a user meets it: any files, any subset, clear messages, safe publishing."""

from __future__ import annotations

import csv
import fcntl
import gzip
import io
import json
import re
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outside_in.building import BuildError, read_vars
from outside_in.limits import wrong_limit
from outside_in.paths import PROJECT, Output
from outside_in.scorecard import read_scorecard
from tests.conftest import Built, build, outside_in

KPI_VALUES = "select * from marts.kpi_values order by all"


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def published(built: Built) -> list[tuple[Any, ...]]:
    with built.marts as con:
        return con.execute(KPI_VALUES).fetchall()


def as_text(value: Any) -> Any:
    """A value as an export writes it: text for times, dates and amounts."""
    return str(value) if isinstance(value, datetime | date | Decimal) else value


def rewrite(raw: Path, copy: Path) -> None:
    """The same rows in other formats, split over files in another order: text everywhere, a mix in every folder."""
    writers = ["parquet", "csv", "csv.gz", "json", "jsonl"]
    for number, table in enumerate(sorted(path.name for path in raw.iterdir())):
        (copy / table).mkdir(parents=True)
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            result = con.execute(f"select * from read_parquet('{raw}/{table}/*.parquet', union_by_name = true)")
            columns = [column[0] for column in result.description]
            rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        rows.reverse()
        for part in range(3):
            mine, kind = rows[part::3], writers[(number + part) % len(writers)]
            if not mine:
                continue
            path = copy / table / f"{9 - part}.{kind}"
            texts = [{column: as_text(value) for column, value in row.items()} for row in mine]
            if kind == "parquet":
                import pandas as pd

                pd.DataFrame(mine).to_parquet(path)
            elif kind.startswith("csv"):
                write_csv(path, texts)
            elif kind == "jsonl":
                path.write_text("".join(json.dumps(row) + "\n" for row in texts), "utf-8")
            else:
                path.write_text(json.dumps(texts), "utf-8")
        for late in (raw / table).glob("*.csv"):
            shutil.copy2(late, copy / table)


def test_same_rows_in_any_format_and_order_give_the_same_marts(tmp_path: Path) -> None:
    from outside_in.sample import generate

    raw = generate(tmp_path / "raw", customers=60, days=90).out
    rewrite(raw, tmp_path / "copy")
    first, second = (build(folder, tmp_path / f"out-{folder.name}") for folder in (raw, tmp_path / "copy"))
    assert published(first) == published(second)


def test_an_empty_folder_builds_and_says_that_nothing_is_attainable(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    built = build(tmp_path / "raw", tmp_path / "out")
    with built.marts as con:
        assert con.execute("select count(*) from marts.kpi_values").fetchall() == [(0,)]
        assert con.execute("select bool_or(is_attainable) from marts.kpi_catalog").fetchall() == [(False,)]
        ((years,),) = con.execute("select count(distinct year_start) from marts.dim_dates").fetchall()
    assert years == 3, "of a company without data the year before as_of to the year after it"


def test_one_table_with_its_required_columns_is_enough(tmp_path: Path) -> None:
    rows = [{"order_id": f"o{n}", "ordered_at": f"2026-01-{n:02d}T10:00:00+02:00"} for n in range(1, 4)]
    write_csv(tmp_path / "raw" / "orders" / "orders.csv.gz", rows)
    built = build(tmp_path / "raw", tmp_path / "out")
    with built.marts as con:
        found = con.execute(
            "select value from marts.kpi_values where kpi_id = 'order_count' and period_grain = 'all'"
            " and dimension_name = 'overall'"
        ).fetchall()
        at = con.execute("select min(ordered_at) from marts.fct_orders").fetchall()
        money = con.execute("select count(*) from marts.kpi_values where kpi_id = 'revenue'").fetchall()
        waiting = {missing.name: missing.waits_for for missing in read_scorecard(con).missing}
        catalog = con.execute(
            "select id, is_attainable, missing_tables, missing_columns from marts.kpi_catalog"
            " where kpi_id in ('average_order_value', 'csat', 'order_count') order by id"
        ).fetchall()
    assert found == [(3.0,)]
    assert at == [(datetime(2026, 1, 1, 8),)]
    assert money == [(0,)], "orders without any amount are in no money KPI"
    assert catalog == [
        ("average_order_value", True, None, "orders.gross_amount"),
        ("csat", False, "survey_responses", "survey_responses.score"),
        ("order_count", True, None, None),
    ]
    assert waiting["Average order value"] == "orders.gross_amount" and waiting["Revenue"] == "orders.gross_amount"
    assert "survey_responses" in waiting["Customer satisfaction"] and "Orders" not in waiting


def test_a_missing_required_column_names_file_and_column_and_publishes_nothing(tmp_path: Path) -> None:
    write_csv(tmp_path / "raw" / "orders" / "export.csv", [{"order_id": "o1", "ordered": "2026-01-01"}])
    done = outside_in("build", "--raw-dir", tmp_path / "raw", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "orders/export.csv" in done.stdout and "ordered_at" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "out" / "published").exists()


def test_a_failed_build_leaves_what_was_published(tmp_path: Path) -> None:
    write_csv(tmp_path / "raw" / "orders" / "1.csv", [{"order_id": "o1", "ordered_at": "2026-01-01"}])
    built = build(tmp_path / "raw", tmp_path / "out")
    before = published(built)
    write_csv(tmp_path / "raw" / "tickets" / "1.csv", [{"ticket_id": "t1"}])
    assert outside_in("build", "--raw-dir", tmp_path / "raw", "--out", tmp_path / "out").returncode == 2
    assert published(built) == before


def test_nothing_is_written_outside_out(tmp_path: Path) -> None:
    def files() -> set[Path]:
        ignored = {
            ".git",
            ".venv",
            "__pycache__",
            ".mypy_cache",
            ".ruff_cache",
            ".pytest_cache",
            ".hypothesis",
        }
        return {path for path in PROJECT.rglob("*") if not ignored & set(path.parts)}

    write_csv(tmp_path / "raw" / "orders" / "1.csv", [{"order_id": "o1", "ordered_at": "2026-01-01"}])
    before, raw_before = files(), sorted((tmp_path / "raw").rglob("*"))
    build(tmp_path / "raw", tmp_path / "out")
    assert files() == before
    assert sorted((tmp_path / "raw").rglob("*")) == raw_before
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "out"}


def test_a_second_build_in_the_same_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "out").mkdir()
    with Output(tmp_path / "out").lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = outside_in("build", "--raw-dir", tmp_path / "raw", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "another build is running" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("as_off: 2026-01-01\n", "unknown var as_off; did you mean as_of"),
        ("raw_dir: /elsewhere\n", "unknown var raw_dir; known are activity_window_days, as_of"),
        ("- a\n", "holds no map"),
        ("a: [\n", "cannot be read as YAML at line 2"),
        ("fiscal_year_start_month: 13\n", "fiscal_year_start_month must be a whole number from 1 to 12"),
        ("churn_horizon_days: 1.5\n", "churn_horizon_days must be a whole number from 1"),
        ("minimum_sample: true\n", "minimum_sample must be a whole number"),
        ("session_timeout_minutes: -30\n", "session_timeout_minutes must be a number of at least 0"),
        ("service_level_seconds: {phone: -1}\n", "must be a map of phone, chat"),
        ("service_level_seconds: {Phone: 1}\n", "must be a map of phone, chat"),
        ("survey_fatigue: {weeks: 1}\n", "must be a map of invitations, days"),
        ("survey_fatigue: {days: 1.5}\n", "to whole numbers"),
        ("as_of: soon\nreporting_timezone: Berlin\n", "as_of must be .*; reporting_timezone must be"),
    ],
)
def test_a_wrong_vars_file_is_explained(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text(text)
    with pytest.raises(BuildError, match=message):
        read_vars(file)


def test_a_vars_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"vars\.yml: cannot be opened \(No such file or directory\)"):
        read_vars(tmp_path / "vars.yml")


@pytest.mark.parametrize("command", ["validate", "build"])
def test_an_out_folder_among_the_raw_files_is_refused(command: str, tmp_path: Path) -> None:
    (tmp_path / "raw" / "orders").mkdir(parents=True)
    done = outside_in(command, "--raw-dir", tmp_path / "raw", "--out", tmp_path / "raw" / "out")
    assert done.returncode == 2 and "choose another --out" in done.stdout
    assert not (tmp_path / "raw" / "out").exists()


@pytest.mark.parametrize("command", ["sample", "validate", "build", "publish", "states"])
def test_a_file_is_no_out_folder(command: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("")
    raw_dir = ("--raw-dir", tmp_path) if command in ("validate", "build") else ()
    done = outside_in(command, *raw_dir, "--out", file)
    assert done.returncode == 2 and "is a file" in re.sub(r"\W+", " ", done.stdout)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OUTSIDE_IN_THREADS", "zwei", "a whole number of at least 1"),
        ("OUTSIDE_IN_THREADS", "0", "a whole number of at least 1"),
        ("OUTSIDE_IN_MEMORY", "lots", "a size like 6GB"),
    ],
)
def test_a_wrong_limit_is_named(name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong_limit() == ""
    monkeypatch.setenv(name, value)
    assert wrong_limit().startswith(f"{name} is {value!r}") and message in wrong_limit()


def test_times_in_a_vars_file_reach_dbt_as_text(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("as_of: 2026-01-01 12:00:00\nminimum_sample: 5\n")
    assert read_vars(file) == {"as_of": "2026-01-01 12:00:00", "minimum_sample": 5}
    file.write_text('as_of: "20260101T12"\n')
    assert read_vars(file) == {"as_of": "2026-01-01 12:00:00"}
    file.write_text('as_of: "2026-01-01T12:00:00+02:00"\nsurvey_fatigue: {days: 14}\n')
    assert read_vars(file) == {"as_of": "2026-01-01 10:00:00", "survey_fatigue": {"invitations": 3, "days": 14}}


def test_comments_reach_the_published_marts(built_sample: Built) -> None:
    with built_sample.marts as con:
        missing = con.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
        ).fetchall()
    assert not missing
