"""What dbt's landing asks about the raw files: a plugin of dbt-duckdb that lends SQL functions.

The files are judged by the code that also validates them, and read by the same scans, so that the build never reads
a file another way than its check did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import VARCHAR

from outside_in.contract import raw_tables
from outside_in.fingerprint import project_fingerprint
from outside_in.validation.inspection import FILES, RawFile, inspect_files, read_files, write_files
from outside_in.validation.views import landed


class Plugin(BasePlugin):
    """Gives the connection functions.

    `raw_landing(raw_dir, zone, built)` returns `landing` as JSON; `project_version()` says which code runs.
    """

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the functions; what it knows of the files is kept beside the database."""
        known = Path(self.creds.path).with_suffix(f".duckdb.{FILES}") if self.creds else Path(FILES)

        def raw_landing(raw_dir: str, zone: str, built: str) -> str:
            return json.dumps(landing(Path(raw_dir), known, zone, json.loads(built)))

        conn.create_function("raw_landing", raw_landing, [VARCHAR] * 3, VARCHAR, side_effects=True)
        conn.create_function("project_version", project_version, [], VARCHAR)


@cache
def project_version() -> str:
    """The project and its packages as this process runs them: what tables made by Python depend on beside inputs."""
    return project_fingerprint()


def landing(raw_dir: Path, known: Path, zone: str = "UTC", built: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Look at the raw files, reading those that are not `known` yet.

    Args:
        raw_dir: the raw directory.
        known: where the files of the last look are stored; it is written anew.
        zone: the time zone of the reports, in which dates begin.
        built: the files that the tables of the database were built from, name to version; none for a new database.

    Returns:
        `files`, one entry per file; `rows`, by table, SQL that reads its files; `arrived`, the same of those that are
        not what was `built`, where there are such; `stops`, sentences about files that the build cannot go on without.
    """
    report = inspect_files(raw_dir, known=read_files(known))
    write_files(report.files, known)
    # A JSON file without rows has no columns to read.
    one_of_each_layout = {_layout(file): file for file in report.files if file.columns}
    readings = {layout: _reading(file, zone) for layout, file in one_of_each_layout.items()}
    files = [_entry(file, readings.get(_layout(file))) for file in report.files]
    new = {file["file_name"] for file in files if file["file_version"] != (built or {}).get(file["file_name"])}
    rows, arrived = {}, {}
    for name, table in raw_tables().items():
        readable = [file.read_as for file in report.readable(name) if file.columns]
        rows[name] = landed(table, readable)
        if unread := [file for file in readable if file.name in new]:
            arrived[name] = landed(table, unread)
    stops = [
        f"{finding.where}: {finding.what}. {finding.advice}."
        for finding in report.findings()
        if finding.severity == "critical" and not finding.set_aside
    ]
    return {"files": files, "rows": rows, "arrived": arrived, "stops": stops}


def _entry(file: RawFile, reading: str | None) -> dict[str, Any]:
    return {
        "raw_table": file.table,
        "file_kind": file.kind,
        "file_name": file.name,
        "file_path": str(file.read_as.path),
        # Equal for files of one name with the same rows; none for a file that is not read.
        "file_version": f"{file.size} {file.changed} {file.entered} {reading}" if reading else None,
        "modified_at": str(file.modified),
        "row_count": file.rows,
        "problem": file.problem or None,
    }


def _layout(file: RawFile) -> tuple[object, ...]:
    return (file.table, *file.read_as.layout)


def _reading(file: RawFile, zone: str) -> str:
    """A digest of how a file of this layout is read and its rows are dated: another one gives other rows."""
    table = raw_tables()[file.table]
    how = (landed(table, [replace(file.read_as, path=Path())]), table.own_time, zone)
    return hashlib.sha256(repr(how).encode()).hexdigest()[:16]
