"""The raw files themselves: which there are, whether they can be read, and which columns they have.

Nothing here needs Great Expectations, so that a broken delivery is reported before anything heavy is loaded.
Messages name files, columns and line numbers and never repeat DuckDB's own text, which quotes the data.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

import duckdb

from outside_in.contract import DELETED, FILE_KINDS, LANDED_AT, RawTable, raw_tables
from outside_in.validation.findings import Finding

DELIMITERS = (",", ";", "\t", "|")
# Physical types that hold a contract type without any reading of text; by prefix of DuckDB's name.
INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
NUMBERS = (*INTEGERS, "FLOAT", "DOUBLE", "DECIMAL")
NATIVE = {
    "varchar": ("VARCHAR",),
    "bigint": INTEGERS,
    "double": NUMBERS,
    "decimal(18,4)": NUMBERS,
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "DATE"),
}


@dataclass(frozen=True)
class RawFile:
    """One file of a raw table; `columns` maps name to DuckDB type (text files are VARCHAR throughout)."""

    table: str
    path: Path
    name: str
    kind: str
    size: int
    modified: datetime
    columns: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    delimiter: str = ""
    readable: bool = False

    @property
    def layout(self) -> tuple[object, ...]:
        """Files of one layout can be read by one scan."""
        return (self.kind, self.delimiter, tuple(self.columns.items()))


@dataclass
class FileReport:
    """The files found, in name order, and what is wrong with them."""

    raw_dir: Path
    files: list[RawFile] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no problem stops the build."""
        return not any(problem.severity == "critical" for problem in self.problems)

    def readable(self, table: str) -> list[RawFile]:
        """The readable files of one table."""
        return [file for file in self.files if file.table == table and file.readable]


def inspect_files(raw_dir: Path) -> FileReport:
    """Look at every file below `raw_dir`: kind, columns, types, rows, size, modification time.

    Args:
        raw_dir: the raw directory, one folder per table of the contract.

    Returns:
        The files and the problems. Critical: a file that cannot be read, a required column missing in a file,
        a table folder that holds only kinds of files nobody reads, no raw directory at all.
    """
    report = FileReport(raw_dir)
    if not raw_dir.is_dir():
        report.problems.append(
            Finding(
                "",
                "critical",
                "the raw directory does not exist",
                raw_dir.name,
                advice="give the right folder",
            )
        )
        return report
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for folder in sorted(raw_dir.iterdir()):
            if folder.name.startswith((".", "_")):
                continue
            if not folder.is_dir() or folder.name not in raw_tables():
                report.problems.append(_stranger(folder))
                continue
            _inspect_table(con, folder, report)
    return report


def quote(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Sequence[RawFile], *options: str) -> str:
    """The DuckDB table function that reads files of one layout; `options` are added to its arguments."""
    first = files[0]
    # A file name is a name, not a pattern: brackets take the special characters of a glob literally.
    names = [re.sub(r"([*?\[])", r"[\1]", str(file.path)) for file in files]
    arguments = ["[" + ", ".join(literal(name) for name in names) + "]", *options]
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in first.columns) + "}"
    if first.kind == "parquet":
        return f"read_parquet({', '.join(arguments)})"
    if first.kind in ("json", "jsonl"):
        shape = "auto" if first.kind == "json" else "newline_delimited"
        arguments += [
            f"format = {literal(shape)}",
            *([f"columns = {columns}", "records = true"] if first.columns else []),
        ]
        return f"read_json({', '.join(arguments)})"
    arguments += [f"delim = {literal(first.delimiter)}", "header = true", "auto_detect = false"]
    arguments += [f"columns = {columns}", "quote = '\"'", "escape = '\"'"]
    return f"read_csv({', '.join(arguments)})"


def read_through(con: duckdb.DuckDBPyConnection, file: RawFile) -> int:
    """Read every value of a file, so that damage is found here and not in the build.

    Returns:
        The number of rows.

    Raises:
        duckdb.Error: where DuckDB stumbles; its message quotes the data.
        EOFError: where a compressed file ends too early.
    """
    if file.kind == "csv.gz":  # DuckDB takes a stream cut at the end of a line for a whole one
        with gzip.open(file.path) as stream:
            while stream.read(1 << 20):
                pass
    query = f"select count(*), max(hash(columns(*))) from {scan([file])}"
    return int(con.execute(query).fetchall()[0][0])


def column_types(table: RawTable) -> dict[str, str]:
    """The contract type of every column a table may have, `_loaded_at` and `_deleted` included."""
    return {**table.columns, LANDED_AT: "timestamp", DELETED: "boolean"}


def is_native(contract_type: str, physical: str) -> bool:
    """Whether a column of the `physical` DuckDB type holds `contract_type` as it is."""
    return physical.startswith(NATIVE[contract_type])


def _stranger(path: Path) -> Finding:
    """The finding for something in the raw directory that is no table of the contract."""
    close = get_close_matches(path.name, list(raw_tables()), n=1)
    hint = f"did you mean {close[0]}?" if close else "rename it to a table of the contract, or take it away"
    kind = "folder" if path.is_dir() else "file"
    return Finding("", "warning", f"{kind} is no table of the contract and is ignored", path.name, advice=hint)


def _inspect_table(con: duckdb.DuckDBPyConnection, folder: Path, report: FileReport) -> None:
    table = raw_tables()[folder.name]
    problems = report.problems
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "_"))]
    kinds = {path: _kind(path) for path in paths if path.is_file()}
    ignored = [path for path in paths if not kinds.get(path)]
    if ignored:
        nothing = len(ignored) == len(paths)
        problems.append(
            Finding(
                table.name,
                "critical" if nothing else "warning",
                "not a kind of file that is read" + (", and the table has no other" if nothing else ""),
                _relative(ignored[0], report.raw_dir),
                len(ignored),
                advice=f"deliver {', '.join(FILE_KINDS)} in the table's folder (names in lower case)",
            )
        )
    files = []
    for path, kind in kinds.items():
        if not kind:
            continue
        file, problem = _read_file(con, table.name, path, kind, report.raw_dir)
        files.append(file)
        problems += [problem] if problem else []
    report.files += files
    readable = [file for file in files if file.readable]
    for file in readable:
        if file.kind in ("json", "jsonl") and not file.rows:
            continue  # a JSON file without rows names no columns
        problems += _missing_columns(file, table.required)
    problems += _notes(table, readable)


def _kind(path: Path) -> str:
    return next((kind for kind in FILE_KINDS if path.name.endswith(f".{kind}")), "")


def _relative(path: Path, raw_dir: Path) -> str:
    return path.relative_to(raw_dir).as_posix()


def _read_file(
    con: duckdb.DuckDBPyConnection, table: str, path: Path, kind: str, raw_dir: Path
) -> tuple[RawFile, Finding | None]:
    """Read a file's columns and rows: all of a text file, the footer of a Parquet file."""
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None, microsecond=0)
    file = RawFile(table, path, _relative(path, raw_dir), kind, stat.st_size, modified)
    try:
        if not stat.st_size:
            raise ValueError("it is empty (0 bytes)")
        if kind in ("csv", "csv.gz"):
            columns, delimiter = _csv_header(path, kind, column_types(raw_tables()[table]))
            file = replace(file, columns=columns, delimiter=delimiter)
        else:
            options = ("sample_size = -1", "maximum_depth = 1") if kind != "parquet" else ()
            described = con.execute(f"describe select * from {scan([file], *options)}").fetchall()
            names = {row[0]: row[1] if kind == "parquet" else "VARCHAR" for row in described}
            file = replace(file, columns=names)
        if kind == "parquet":  # its footer knows the count
            rows = con.execute(f"select count(*) from {scan([file])}").fetchall()[0][0]
        else:
            rows = read_through(con, file)
    except (duckdb.Error, OSError, EOFError, UnicodeError, csv.Error, ValueError) as error:
        problem = f"the file cannot be read: {_why(kind, error)}"
        return file, Finding(table, "critical", problem, file.name, advice="deliver it again, or take it away")
    return replace(file, rows=int(rows), readable=True), None


def _why(kind: str, error: Exception) -> str:
    """The reason in own words: DuckDB's message repeats the line it stumbled over."""
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return str(error)
    line = re.search(r"\b[Ll]ine:? (\d+)|\brecord/value (\d+)", str(error))
    reason = {
        "parquet": "not a complete Parquet file",
        "json": "not well-formed JSON objects",
        "jsonl": "not one well-formed JSON object per line",
    }.get(kind, "not well-formed CSV (UTF-8, one header line, the same number of fields in every line)")
    return reason + (f", at line {next(filter(None, line.groups()))}" if line else "")


def _csv_header(path: Path, kind: str, known: Container[str]) -> tuple[dict[str, str], str]:
    """The columns and the delimiter of a CSV file, by the delimiter that finds most columns of the contract.

    Only the header is asked: guessing from the data picks another delimiter as soon as a line is broken.
    """
    best: list[str] = []
    chosen = DELIMITERS[0]
    for delimiter in DELIMITERS:
        with _open_text(path, kind) as stream:
            header = next(csv.reader(stream, delimiter=delimiter), [])
        if not best or _hits(header, known) > _hits(best, known):
            best, chosen = header, delimiter
    if not any(best):
        raise ValueError("it has no header line")
    repeated = [name for name, times in Counter(name.lower() for name in best).items() if times > 1]
    if repeated:
        raise ValueError(f"its header names a column twice ({len(repeated)} such names)")
    return dict.fromkeys(best, "VARCHAR"), chosen


def _hits(header: list[str], known: Container[str]) -> int:
    return sum(name.lower() in known for name in header)


def _open_text(path: Path, kind: str) -> TextIO:
    if kind == "csv.gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _missing_columns(file: RawFile, required: Iterable[str]) -> Iterator[Finding]:
    have = {name.lower() for name in file.columns}
    for column in required:
        if column not in have:
            close = get_close_matches(column, have, n=1)
            hint = f"; {close[0]} looks like it" if close and close[0] not in required else ""
            advice = f"add the column {column} to the export, or rename the one that holds it{hint}"
            what = f"required column {column} is missing in the file"
            yield Finding(file.table, "critical", what, file.name, advice=advice)


def _notes(table: RawTable, files: list[RawFile]) -> Iterator[Finding]:
    """What is unusual about a table's columns, once per table."""
    known = column_types(table)
    unknown: dict[str, str] = {}
    retyped: dict[str, str] = {}
    for file in files:
        for name, physical in file.columns.items():
            if name.lower() not in known:
                if file.rows or file.kind == "parquet":
                    unknown.setdefault(name, file.name)
            elif file.kind == "parquet" and not is_native(known[name.lower()], physical):
                retyped.setdefault(f"{name} ({physical}, not {known[name.lower()]})", file.name)
    for what, found in (
        ("columns that the contract does not know are ignored", unknown),
        ("columns of another type than the contract's are converted", retyped),
    ):
        if found:
            names = ", ".join(sorted(found))
            yield Finding(table.name, "note", f"{what}: {names}", min(found.values()), len(found))
