"""The raw files themselves: which there are, whether they can be read, and which columns they have.

Nothing here needs Great Expectations, so that a broken delivery is reported before anything heavy is loaded.
Messages name files, columns and line numbers and never repeat DuckDB's own text, which quotes the data.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
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
UNTYPED = "TEXT"  # DuckDB's other name for VARCHAR, for columns of files without types
NATIVE = {
    "varchar": ("VARCHAR",),
    "bigint": INTEGERS,
    "double": NUMBERS,
    "decimal(18,4)": NUMBERS,
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "DATE"),
}
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# What a file of a kind must be, said when it is not.
CSV_FORM = "not well-formed CSV (UTF-8, one header line, the same number of fields in every line)"
FORMS = {
    "parquet": "not a complete Parquet file",
    "csv": CSV_FORM,
    "csv.gz": CSV_FORM,
    "json": "not well-formed JSON objects",
    "jsonl": "not one well-formed JSON object per line",
}
# Words of an error to what they mean.
REASONS = {
    "unterminated quote": "a quoted field is not closed, or goes on after its closing quote",
    "Expected Number of Columns": "a line has more or fewer fields than the header",
    "invalid state": "its lines do not all end in the same way, or a field without quotes has a line end in it",
    "Invalid unicode": "it is not in UTF-8",
    "utf-8": "it is not in UTF-8",
    "Maximum line size": "a line is longer than 2 MB",
    "maximum_object_size": "an object is larger than 16 MB",
    "No space left": "there is no space left for its copy",
}


# Who is to be forgotten stands in these: without one of their files, a person could be shown who asked not to be.
NEVER_SET_ASIDE = ("customers", "customer_identities")
FILES = "files.json"
DELIVER_AGAIN = "deliver it again, or take it away"
LET_READ = "let the user who builds read it, or take it away"


@dataclass(frozen=True)
class RawFile:
    """One file of a raw table.

    Attributes:
        table: the table (folder) it belongs to.
        path: where it is.
        name: its path below the raw directory.
        kind: one of `FILE_KINDS`.
        size: bytes.
        changed: when it was last changed, in nanoseconds since 1970.
        entered: when its entry in the file system was last changed, which a copy with the old time cannot keep.
        columns: column name to DuckDB type; the columns of text files are UNTYPED throughout.
        rows: number of rows.
        delimiter: of a CSV file.
        problem: why it cannot be used, without any value of a row; empty for a good file.
        advice: what to do about the problem.
        copy: for a text file, a Parquet file with its rows in the same order, all text, where one was asked for.
    """

    table: str
    path: Path
    name: str
    kind: str
    size: int = 0
    changed: int = 0
    entered: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    delimiter: str = ""
    problem: str = ""
    advice: str = ""
    copy: Path | None = None

    @property
    def modified(self) -> datetime:
        """When it was last changed, in whole seconds UTC: the landing time of rows that do not bring their own."""
        return datetime.fromtimestamp(self.changed // 1_000_000_000, UTC).replace(tzinfo=None)

    @property
    def layout(self) -> tuple[object, ...]:
        """Files of one layout can be read by one scan."""
        return (self.kind, self.delimiter, tuple(self.columns.items()))

    @property
    def version(self) -> tuple[str, int, int, int]:
        """Equal for two looks at a file that nobody changed in between."""
        return (self.name, self.size, self.changed, self.entered)

    @property
    def read_as(self) -> RawFile:
        """What its rows are read from: its copy where it has one, else itself."""
        return replace(self, path=self.copy, kind="parquet", delimiter="") if self.copy else self

    def is_unchanged(self) -> bool:
        """Whether the file is still what it was when it was inspected."""
        try:
            stat = self.path.stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.changed)

    def broken(self, problem: str, advice: str = DELIVER_AGAIN) -> RawFile:
        """The file, not to be used; what it holds is forgotten, for a missing header makes column names of values."""
        return replace(self, problem=problem, advice=advice, columns={}, rows=0)


@dataclass
class FileReport:
    """The files found, in name order, and what is wrong with the rest of the raw directory."""

    raw_dir: Path
    files: list[RawFile] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    def readable(self, table: str) -> list[RawFile]:
        """The readable files of one table."""
        return [file for file in self.files if file.table == table and not file.problem]

    def findings(self, built: Container[str] = ()) -> list[Finding]:
        """Everything that is wrong, and for a file that cannot be used whether the build can go on without it.

        Args:
            built: names of the files that the last build read. Going on without one would take back what is published.
        """
        found = list(self.problems)
        for file in self.files:
            if file.problem:
                reason = self._needed_because(file, built)
                outcome = f"; the build stops, for {reason}" if reason else "; the build goes on without it"
                found.append(
                    Finding(
                        file.table,
                        "critical",
                        file.problem,
                        file.name,
                        advice=file.advice + outcome,
                        set_aside=not reason,
                    )
                )
        return found

    def _needed_because(self, file: RawFile, built: Container[str]) -> str:
        """Why the build cannot go on without a broken file; empty where it can."""
        if file.table in NEVER_SET_ASIDE:
            return "it may say who asked to be erased"
        if file.name in built:
            return "what is published has its rows"
        if not any(other.rows for other in self.readable(file.table)):
            return "the table has no other rows"
        return ""


def inspect_files(raw_dir: Path, *, copies: Path | None = None, known: Iterable[RawFile] = ()) -> FileReport:
    """Look at every file below `raw_dir`: kind, columns, types, rows, size, time of its last change.

    Args:
        raw_dir: the raw directory, one folder per table of the contract.
        copies: a folder; every text file is written there as Parquet, so that its text is read only once. Copies of
            files that have changed or gone are removed.
        known: files of an earlier look; what has not changed since is not read again.

    Returns:
        The files and the problems. A file that cannot be read or lacks a required column has its `problem`; other
        critical problems are a table folder that cannot be opened or holds only kinds of files nobody reads, and no
        raw directory at all.
    """
    report = FileReport(raw_dir)
    if not raw_dir.is_dir():
        report.problems.append(
            Finding("", "critical", "the raw directory does not exist", raw_dir.name, advice="give the right folder")
        )
        return report
    seen = {file.version: file for file in known}
    if copies:
        copies.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        folders = _entries(raw_dir, "", report)
        if not report.problems and not any(folder.name in raw_tables() for folder in folders):
            report.problems.append(_no_table(raw_dir))
        for folder in folders:
            if not folder.is_dir() or folder.name not in raw_tables():
                report.problems.append(_stranger(folder))
                continue
            _inspect_table(con, folder, report, seen, copies)
    if copies:
        kept = {file.copy for file in report.files}
        for path in [*copies.glob("*.parquet"), *copies.glob("*.draft")]:
            if path not in kept:
                path.unlink()
    return report


def write_files(files: Iterable[RawFile], path: Path) -> None:
    """Store what was found, for `known` of a later look."""
    rows = [{**vars(file), "path": str(file.path), "copy": str(file.copy) if file.copy else None} for file in files]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_files(path: Path) -> list[RawFile]:
    """What an earlier look stored; nothing where there is none, or where it is of another version."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [RawFile(**{**row, "path": Path(row["path"]), "copy": _if_there(row["copy"])}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _if_there(path: str | None) -> Path | None:
    return Path(path) if path and Path(path).exists() else None


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
    columns = "{" + ", ".join(f"{literal(name)}: '{UNTYPED}'" for name in first.columns) + "}"
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
    _read_compressed(file)
    query = f"select count(*), max(hash(columns(*))) from {scan([file])}"
    return int(con.execute(query).fetchall()[0][0])


def _read_compressed(file: RawFile) -> None:
    """Raise where compressed text ends too early: DuckDB takes a stream cut at the end of a line for a whole one."""
    if file.kind == "csv.gz":
        with gzip.open(file.path) as stream:
            while stream.read(1 << 20):
                pass


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


def _no_table(raw_dir: Path) -> Finding:
    """The finding for a raw directory without any table: a company without data, or the wrong folder."""
    right = "the folder above it" if raw_dir.name in raw_tables() else "one with a folder per table in it, like orders"
    what = "no folder of a table of the contract is there, so no KPI can have a value"
    return Finding("", "warning", what, raw_dir.name, advice=f"give {right}")


def _entries(folder: Path, table: str, report: FileReport) -> list[Path]:
    """What is in a folder, in name order, without what starts with a dot or an underscore."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    except OSError as error:
        what = f"the folder cannot be opened ({error.strerror})"
        report.problems.append(Finding(table, "critical", what, folder.name, advice=LET_READ))
        return []


def _inspect_table(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    report: FileReport,
    seen: Mapping[tuple[str, int, int, int], RawFile],
    copies: Path | None,
) -> None:
    table = raw_tables()[folder.name]
    paths = _entries(folder, table.name, report)
    kinds = {path: _kind(path) for path in paths if not path.is_dir()}
    ignored = [path for path in paths if not kinds.get(path)]
    if ignored:
        nothing, folders = len(ignored) == len(paths), ignored[0].is_dir()
        report.problems.append(
            Finding(
                table.name,
                "critical" if nothing else "warning",
                ("a folder in a table's folder, which is not read" if folders else "not a kind of file that is read")
                + (", and the table has no other" if nothing else ""),
                _relative(ignored[0], report.raw_dir),
                len(ignored),
                advice=f"deliver {', '.join(FILE_KINDS)} in the table's folder itself (names in lower case)",
            )
        )
    for path, kind in kinds.items():
        if kind:
            file = RawFile(table.name, path, _relative(path, report.raw_dir), kind)
            report.files.append(_inspect_file(con, file, seen, copies))
    report.problems += _notes(table, report.readable(table.name))


def _kind(path: Path) -> str:
    return next((kind for kind in FILE_KINDS if path.name.endswith(f".{kind}")), "")


def _relative(path: Path, raw_dir: Path) -> str:
    return path.relative_to(raw_dir).as_posix()


def _inspect_file(
    con: duckdb.DuckDBPyConnection,
    file: RawFile,
    seen: Mapping[tuple[str, int, int, int], RawFile],
    copies: Path | None,
) -> RawFile:
    """Read a file's columns and rows: all of a text file, the footer of a Parquet file."""
    try:
        stat = file.path.stat()
        file = replace(file, size=stat.st_size, changed=stat.st_mtime_ns, entered=stat.st_ctime_ns)
        if copies and file.kind != "parquet":
            name = hashlib.sha256(repr(file.version).encode("utf-8", "surrogateescape")).hexdigest()[:32]
            file = replace(file, copy=copies / f"{name}.parquet")
        known = seen.get(file.version)
        if known and (not copies or (not known.problem and known.copy == file.copy)):
            return replace(known, path=file.path)
        file = _with_rows(con, _with_columns(con, file))
        if not file.is_unchanged():
            return file.broken("the file changed while it was read", "run again when it is complete")
    except (duckdb.Error, OSError, EOFError, UnicodeError, csv.Error, zlib.error, ValueError) as error:
        advice = LET_READ if isinstance(error, PermissionError) else DELIVER_AGAIN
        return file.broken(f"the file cannot be read: {_why(file, error)}", advice)
    required = raw_tables()[file.table].required
    if file.kind in ("json", "jsonl") and not file.rows:
        return file  # a JSON file without rows names no columns
    return _with_required_columns(file, required)


def _with_columns(con: duckdb.DuckDBPyConnection, file: RawFile) -> RawFile:
    with file.path.open("rb") as stream:
        start = stream.read(2)
    if not start and file.kind != "jsonl":  # of JSON lines none are some
        raise ValueError("it is empty (0 bytes)")
    if start in UTF_16_MARKS:
        raise ValueError("it is in UTF-16; save it as UTF-8")
    if file.kind in ("csv", "csv.gz"):
        columns, delimiter = _csv_header(file.path, file.kind, column_types(raw_tables()[file.table]))
        return replace(file, columns=columns, delimiter=delimiter)
    options = ("sample_size = -1", "maximum_depth = 1") if file.kind != "parquet" else ()
    described = con.execute(f"describe select * from {scan([file], *options)}").fetchall()
    return replace(file, columns={row[0]: row[1] if file.kind == "parquet" else UNTYPED for row in described})


def _with_rows(con: duckdb.DuckDBPyConnection, file: RawFile) -> RawFile:
    if file.kind == "parquet":  # its footer knows the count
        rows = con.execute(f"select count(*) from {scan([file])}").fetchall()[0][0]
    elif file.copy:
        _read_compressed(file)
        draft = file.copy.with_suffix(".draft")
        rows = con.execute(f"copy (from {scan([file])}) to {literal(str(draft))} (format parquet)").fetchall()[0][0]
        draft.replace(file.copy)
    else:
        rows = read_through(con, file)
    return replace(file, rows=int(rows))


def _with_required_columns(file: RawFile, required: Iterable[str]) -> RawFile:
    """The file, broken where it lacks a required column: every row of it would be rejected, by the file's fault."""
    have = {name.lower() for name in file.columns}
    missing = [column for column in required if column not in have]
    if not missing:
        return file
    hints = [
        f"{close} looks like {column}"
        for column in missing
        for close in get_close_matches(column, have - {*required}, n=1)
    ]
    names = f"column{'s' * (len(missing) > 1)} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'}"
    hint = f" ({'; '.join(hints)})" if hints else ""
    return file.broken(
        f"required {names} missing in the file", f"add what is missing to the export, or rename it{hint}"
    )


def _why(file: RawFile, error: Exception) -> str:
    """The reason in own words: DuckDB's message repeats the line it stumbled over."""
    text = str(error)
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return text
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    line = re.search(r"\b[Ll]ine:? (\d+)|\brecord/value (\d+)", text)
    where = f", at line {next(filter(None, line.groups()))}" if line else ""
    for words, reason in REASONS.items():
        if words in text:
            return reason + where
    return FORMS[file.kind] + where


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
    # As of the index that pandas and R write, or of a comma at the end of the line.
    best = [name or f"column {place} without a name" for place, name in enumerate(best, start=1)]
    repeated = [name for name, times in Counter(name.lower() for name in best).items() if times > 1]
    if repeated:
        raise ValueError(f"its header names a column twice ({len(repeated)} such names)")
    return dict.fromkeys(best, UNTYPED), chosen


def _hits(header: list[str], known: Container[str]) -> int:
    return sum(name.lower() in known for name in header)


def _open_text(path: Path, kind: str) -> TextIO:
    if kind == "csv.gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


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
