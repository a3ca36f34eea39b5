"""Runs the suites with Great Expectations, pushed down to DuckDB.

One in-memory DuckDB holds a typed view per table; each table is a batch with a suite. All counts of a suite
are one query, provided that no expectation asks for the unexpected values: each of those is a query of its
own, and values must not be reported anyway. Rows are located afterwards, for broken rules only.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Container, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal

import duckdb
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when Great Expectations is imported; nothing phones home

import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core.expect_column_pair_values_a_to_be_greater_than_b import (
    ExpectColumnPairValuesAToBeGreaterThanB,
)
from great_expectations.expectations.core.expect_column_to_exist import ExpectColumnToExist
from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
    ExpectColumnValuesToNotBeNull,
)
from great_expectations.expectations.core.expect_table_row_count_to_be_between import (
    ExpectTableRowCountToBeBetween,
)
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import ColumnMapExpectation, Expectation
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)

from outside_in.contract import DELETED, raw_tables
from outside_in.limits import memory_limit
from outside_in.validation.findings import Check, Finding, Progress, TableResult, ValidationResult
from outside_in.validation.history import Figures, changes, earlier, figures, read_history, write_history
from outside_in.validation.inspection import (
    DELIVER_AGAIN,
    FILES,
    FileReport,
    RawFile,
    inspect_files,
    literal,
    quote,
    read_files,
    read_through,
    write_files,
)
from outside_in.validation.report import write_data_docs, write_json, write_junit
from outside_in.validation.rules import REPEATED, Rule, repeated_keys, suite
from outside_in.validation.views import FILE, ROW, present, unreadable, view

SHOWN_ROWS = 5
HISTORY = "history.json"
CHANGED = "the file changed while it was checked"
COUNTS: dict[str, Any] = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "include_unexpected_rows": False,
    "exclude_unexpected_values": True,
}


class DuckDBEngine(SqlAlchemyExecutionEngine):
    """Keeps its connection: the parent closes it before fetching, which DuckDB does not forgive."""

    @contextmanager
    def get_connection(self) -> Generator[sa.Connection, None, None]:
        """The one connection."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection


class DuckDBFiles(SQLDatasource):
    """A datasource on a DuckDB that is already open."""

    type: Literal["duckdb_files"] = "duckdb_files"  # type: ignore[assignment]  # how datasource kinds register

    def get_engine(self) -> sa.Engine:
        """The open engine."""
        return self.get_execution_engine().engine

    def get_execution_engine(self) -> DuckDBEngine:
        """The open execution engine, set by `_datasource`."""
        assert isinstance(self._execution_engine, DuckDBEngine)
        return self._execution_engine


class CountsOnly:
    """Makes a row-wise expectation ask for its counts alone, and never for the values themselves."""

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine[Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The metrics of a yes-or-no answer, and the format of one with counts."""
        asked = {**(runtime_configuration or {}), "result_format": {"result_format": "BOOLEAN_ONLY"}}
        parent: Any = super()
        dependencies = parent.get_validation_dependencies(execution_engine, asked, **kwargs)
        dependencies.result_format = dict(COUNTS)
        return dependencies


class ExpectValuesFilled(CountsOnly, ExpectColumnValuesToNotBeNull):
    """No null."""


class ExpectValuesInSet(CountsOnly, ExpectColumnValuesToBeInSet):
    """Only accepted codes."""


class ExpectValuesBetween(CountsOnly, ExpectColumnValuesToBeBetween):
    """Only numbers within bounds."""


class ExpectStartBeforeEnd(CountsOnly, ExpectColumnPairValuesAToBeGreaterThanB):
    """No end (A) before its start (B)."""


class RowsKeepRule(ColumnMapMetricProvider):
    """The rows that SQL does not call bad."""

    condition_metric_name = "column_values.keep_rule"
    condition_value_keys = ("bad",)
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column: Any, bad: str, **kwargs: Any) -> Any:
        return sa.not_(sa.func.coalesce(sa.literal_column(f"({bad})", sa.Boolean()), sa.false()))


class ExpectRowsToKeepRule(CountsOnly, ColumnMapExpectation):
    """No row for which the SQL `bad` is true."""

    map_metric: ClassVar[str] = "column_values.keep_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("bad", "mostly")
    bad: str


def expectation(rule: Rule) -> Expectation:
    """The Great Expectations form of a rule."""
    about: dict[str, Any] = {
        "description": rule.claim,
        "severity": rule.severity,
        "meta": {"severity": rule.severity, "reason": rule.reason},
    }
    match rule.kind:
        case "exists":
            return ExpectColumnToExist(column=rule.column, **about)
        case "rows":
            return ExpectTableRowCountToBeBetween(min_value=1, **about)
        case "filled" if DELETED not in rule.bad:
            return ExpectValuesFilled(column=rule.column, **about)
        case "code":
            return ExpectValuesInSet(column=rule.column, value_set=list(rule.codes), **about)
        case "range":
            return ExpectValuesBetween(column=rule.column, min_value=rule.least, max_value=rule.most, **about)
        case "order":
            return ExpectStartBeforeEnd(
                column_A=rule.other,
                column_B=rule.column,
                or_equal=True,
                ignore_row_if="either_value_is_missing",
                **about,
            )
        case "fresh" | "volume" | "drift":
            return UnexpectedRowsExpectation(unexpected_rows_query=rule.query, **about)
        case "readable":  # asked of the mark: the column itself is null there, which would not count as a value
            return ExpectRowsToKeepRule(column=unreadable(rule.column), bad=rule.bad, **about)
        case _:
            return ExpectRowsToKeepRule(column=rule.column, bad=rule.bad, mostly=rule.mostly, **about)


def run(
    raw_dir: Path,
    out_dir: Path,
    *,
    data_docs: bool,
    strict: bool,
    progress: Progress | None,
    as_of: datetime | None,
    built: Container[str],
    copies: Path | None,
) -> ValidationResult:
    """See `outside_in.validation.validate`."""
    started = perf_counter()
    tell = progress or (lambda share, what: None)
    tell(0.0, "looking at the files")
    out_dir.mkdir(parents=True, exist_ok=True)
    history = read_history(out_dir / HISTORY)
    result = ValidationResult()
    documents: dict[str, ExpectationSuiteValidationResult] = {}
    # What does not fit into memory goes to a directory of our own beside the reports, as do copies that nobody keeps.
    with (
        tempfile.TemporaryDirectory(prefix=".checking-", dir=out_dir) as scratch,
        duckdb.connect(config={"temp_directory": scratch, "memory_limit": memory_limit()}) as con,
    ):
        con.execute("set TimeZone = 'UTC'")
        known = read_files(out_dir / FILES) if copies else []
        report = inspect_files(raw_dir, copies=copies or Path(scratch, "copies"), known=known)
        columns, now = _create_views(con, report, history, Path(scratch), tell)
        latest = _latest(con, columns, as_of)
        with _datasource(con) as datasource:
            for number, table in enumerate(columns):
                tell(0.3 + 0.6 * number / len(columns), f"checking {table}")
                files = report.readable(table)
                changed = list(changes(now[table], history.get(table, []))) if table in now else []
                rules = list(suite(raw_tables()[table], columns[table], columns, latest, changed))
                result.tables[table] = TableResult(len(files), sum(file.rows for file in files))
                documents[table] = _check(con, datasource, table, files, rules, result)
    result.findings += _gone(history, columns)
    _refuse_changed(report)
    result.findings[:0] = report.findings(built)
    tell(0.9, "writing the reports")
    write_json(result, out_dir / "validation.json")
    write_junit(result, out_dir / "junit.xml", strict=strict)
    if data_docs:
        write_data_docs(result, documents, out_dir / "data_docs")
    write_files(report.files, out_dir / FILES)
    for table, figure in now.items():
        history[table] = [*earlier(history.get(table, []), figure.landed_until), figure]
    write_history(history, out_dir / HISTORY)
    tell(1.0, "validated")
    result.seconds = perf_counter() - started
    return result


def _create_views(
    con: duckdb.DuckDBPyConnection,
    report: FileReport,
    history: Mapping[str, list[Figures]],
    scratch: Path,
    tell: Progress,
) -> tuple[dict[str, dict[str, bool]], dict[str, Figures]]:
    """Make the views of all tables with readable files, and read each once; `scratch` takes what was read from text.

    A table of each one's repeated keys is made beside its view, see `rules.REPEATED`.

    Returns:
        The columns of each table, see `views.present`, and its figures. A file that proves to be damaged is broken in
        the report from then on, and its table's view is of the others.
    """
    columns: dict[str, dict[str, bool]] = {}
    found: dict[str, Figures] = {}
    for number, (name, table) in enumerate(raw_tables().items()):
        tell(0.1 + 0.2 * number / len(raw_tables()), f"reading {name}")
        while files := [file.read_as for file in report.readable(name)]:
            columns[name] = present(table, files)
            con.execute(f"create or replace view {quote(name)} as {view(table, files)}")
            try:
                if any(file.copy for file in files):
                    # Reading a time from text takes longer than most checks, and every check would do it again.
                    typed = literal(str(scratch / f"{name}.parquet"))
                    con.execute(f"copy {quote(name)} to {typed} (format parquet)")
                    con.execute(f"create or replace view {quote(name)} as from read_parquet({typed})")
                figure = figures(con, table, columns[name], history.get(name, []))
                if repeated := repeated_keys(table, columns[name]):
                    con.execute(f"create or replace table {quote(REPEATED.format(name))} as {repeated}")
            except duckdb.Error:
                if not _set_damaged_aside(con, name, report):
                    raise
                columns.pop(name)
                continue
            found |= {name: figure} if figure else {}
            break
    return columns, found


def _set_damaged_aside(con: duckdb.DuckDBPyConnection, table: str, report: FileReport) -> bool:
    """Break the files of a table that have readable columns and unreadable rows; returns whether there were any."""
    found = False
    for position, file in enumerate(report.files):
        if file.table == table and not file.problem:
            try:
                read_through(con, file.read_as)
            except (duckdb.Error, OSError):
                gone = "the file is damaged: its columns can be read and its rows cannot"
                report.files[position] = file.broken(gone if file.is_unchanged() else CHANGED, DELIVER_AGAIN)
                found = True
    return found


def _refuse_changed(report: FileReport) -> None:
    """Break the files that are no longer what was checked."""
    for position, file in enumerate(report.files):
        if not file.problem and not file.is_unchanged():
            report.files[position] = file.broken(CHANGED, "run again when it is complete")


def _gone(history: Mapping[str, list[Figures]], columns: Container[str]) -> list[Finding]:
    """Tables that were delivered once and are not there now."""
    return [
        Finding(
            table,
            "warning",
            "the table had rows in the last run and has no readable file now",
            advice="check the export",
        )
        for table, runs in history.items()
        if runs and table in raw_tables() and table not in columns
    ]


@contextmanager
def _datasource(con: duckdb.DuckDBPyConnection) -> Generator[DuckDBFiles, None, None]:
    """A Great Expectations datasource on the connection, in a context that leaves nothing behind."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    engine = sa.create_engine(
        "duckdb://", creator=lambda: ConnectionWrapper(con.cursor()), poolclass=sa.pool.StaticPool
    )
    datasource = DuckDBFiles(name="raw", connection_string="duckdb://", create_temp_table=False)
    datasource._data_context = context
    execution = datasource._execution_engine = DuckDBEngine(engine=engine, create_temp_table=False)
    try:
        yield datasource
    finally:
        with execution.get_connection() as connection:
            connection.close()
        execution.close()


def _latest(con: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, bool]], as_of: datetime | None) -> str | None:
    """How far the data reaches, as SQL: `as_of`, else the latest time not over a day after its landing."""
    if as_of is not None:
        return f"timestamp {literal(str(as_of.astimezone(UTC).replace(tzinfo=None) if as_of.tzinfo else as_of))}"
    latest: datetime | None = None
    for name, have in columns.items():
        time = raw_tables()[name].own_time
        if time in have:
            column = f"cast({quote(str(time))} as timestamp)"
            query = f"select max({column}) from {quote(name)} where {column} <= _loaded_at + interval 1 day"
            found = con.execute(query).fetchall()[0][0]
            latest = max(filter(None, (latest, found)), default=None)
    return f"timestamp {literal(str(latest))}" if latest else None


def _check(
    con: duckdb.DuckDBPyConnection,
    datasource: DuckDBFiles,
    table: str,
    files: list[RawFile],
    rules: list[Rule],
    result: ValidationResult,
) -> ExpectationSuiteValidationResult:
    """Run one table's suite; adds its checks and findings to `result`."""
    expectations = [expectation(rule) for rule in rules]
    for number, expected in enumerate(expectations):
        expected.meta = {**(expected.meta or {}), "rule": number}  # results come back in another order
    asset = datasource.add_query_asset(table, query=f"select * from {quote(table)}")
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    outcome = batch.validate(
        gx.ExpectationSuite(name=table, expectations=expectations),
        result_format={
            "result_format": "COMPLETE",
            "exclude_unexpected_values": True,
            "partial_unexpected_count": 0,
        },
    )
    broken: list[tuple[Rule, int]] = []
    details: dict[str, str] = {}
    for each in sorted(outcome.results, key=_number):
        rule = rules[_number(each)]
        if _raised(each):
            what, advice = "the table could not be checked", "see whether its files are still there, and run again"
            result.findings.append(Finding(table, "critical", what, advice=advice))
            return outcome
        count = int(each.result.get("unexpected_count") or (not each.success))
        config = each.expectation_config
        kind = config.type if config else ""
        result.tables[table].checks.append(
            Check(rule.claim, kind, rule.severity, rule.reason, bool(each.success), count)
        )
        # A required column that is missing has been reported by the inspection, file by file.
        if not each.success and rule.kind != "exists":
            broken.append((rule, count))
            rows = (each.result.get("details") or {}).get("unexpected_rows", [])
            if rows:
                details[rule.kind] = "; ".join(map(_figures, rows))
    places = _locate(con, table, files, [rule for rule, _ in broken if rule.bad])
    for rule, count in broken:
        where, rows = places.get(rule.bad, ("", ()))
        what = rule.broken + (f" ({details[rule.kind]})" if rule.kind in details else "")
        if rule.kind == "code":
            what += _distinct_codes(con, table, rule)
        result.findings.append(Finding(table, rule.severity, what, where, count, rows, rule.advice))
    return outcome


def _figures(row: Mapping[str, Any]) -> str:
    """A row of a rule's query in words."""
    return ", ".join(
        value if name == "what" else f"{name.replace('_', ' ')} {float(value):g}" for name, value in row.items()
    )


def _number(outcome: ExpectationValidationResult) -> int:
    config = outcome.expectation_config
    return int((config.meta if config else {})["rule"])


def _raised(outcome: ExpectationValidationResult) -> bool:
    """Whether an expectation could not be evaluated; Great Expectations has two ways of saying so."""
    info = outcome.exception_info or {}
    return any(
        bool(each["raised_exception"]) if isinstance(each, dict) else name == "raised_exception" and bool(each)
        for name, each in info.items()
    )


def _locate(
    con: duckdb.DuckDBPyConnection, table: str, files: list[RawFile], rules: list[Rule]
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The first file and the first rows in it that break each rule, by the rule's `bad`, in one query."""
    if not rules:
        return {}
    files = [file.read_as for file in files]
    names = {str(file.path): file.name for file in files}
    firsts = ", ".join(f"min({ROW}, {SHOWN_ROWS}) filter (where {rule.bad})" for rule in rules)
    numbered = view(raw_tables()[table], files, numbered=True)
    found = con.execute(f"select {FILE}, {firsts} from ({numbered}) group by {FILE}").fetchall()
    found.sort(key=lambda row: names.get(row[0], ""))
    places = {}
    for position, rule in enumerate(rules, start=1):
        hits = [(names.get(row[0], ""), tuple(row[position])) for row in found if row[position]]
        if hits:
            others = f" and {len(hits) - 1} more" if len(hits) > 1 else ""
            places[rule.bad] = (hits[0][0] + others, hits[0][1])
    return places


def _distinct_codes(con: duckdb.DuckDBPyConnection, table: str, rule: Rule) -> str:
    """How many different unknown codes there are; not which, for a column mix-up may put anything there."""
    query = f"select count(distinct {quote(rule.column)}) from {quote(table)} where {rule.bad}"
    distinct = con.execute(query).fetchall()[0][0]
    return f" ({distinct} different)"
