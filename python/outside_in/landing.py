"""What dbt's landing asks about the raw files: a plugin of dbt-duckdb that lends SQL one function.

The files are judged by the code that also validates them, and read by the same scans, so that the build never reads
a file another way than its check did.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import VARCHAR

from outside_in.contract import raw_tables
from outside_in.validation.inspection import FILES, RawFile, column_types, inspect_files, read_files, scan, write_files

PATH_COLUMN = "_path"


class Plugin(BasePlugin):
    """Gives the connection `raw_landing(raw_dir)`, which returns `landing` as JSON."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the function; what it knows of the files is kept beside the database."""
        known = Path(self.creds.path).with_suffix(f".duckdb.{FILES}") if self.creds else Path(FILES)

        def raw_landing(raw_dir: str) -> str:
            return json.dumps(landing(Path(raw_dir), known))

        conn.create_function("raw_landing", raw_landing, [VARCHAR], VARCHAR, side_effects=True)


def landing(raw_dir: Path, known: Path) -> dict[str, Any]:
    """Look at the raw files, reading those that are not `known` yet.

    Args:
        raw_dir: the raw directory.
        known: where the files of the last look are stored; it is written anew.

    Returns:
        `files`, one entry per file; `scans`, by table, SQL that reads the files of one layout with the type of each
        column it has; `stops`, sentences about files that the build cannot go on without.
    """
    report = inspect_files(raw_dir, known=read_files(known))
    write_files(report.files, known)
    scans = {name: _scans(report.readable(name)) for name in raw_tables()}
    stops = [
        f"{finding.where}: {finding.what}. {finding.advice}."
        for finding in report.findings()
        if finding.severity == "critical" and not finding.set_aside
    ]
    return {"files": [_entry(file) for file in report.files], "scans": scans, "stops": stops}


def _entry(file: RawFile) -> dict[str, Any]:
    return {
        "raw_table": file.table,
        "file_kind": file.kind,
        "file_name": file.name,
        "file_path": str(file.read_as.path),
        "modified_at": str(file.modified),
        "row_count": file.rows,
        "problem": file.problem or None,
    }


def _scans(files: list[RawFile]) -> list[dict[str, Any]]:
    """The scans of one table's readable files, or their copies. A JSON file without rows has no columns to read."""
    with_columns = sorted(
        (file.read_as for file in files if file.columns), key=lambda file: (str(file.layout), file.name)
    )
    scans = []
    for _, same in groupby(with_columns, key=lambda file: file.layout):
        group = list(same)
        known = column_types(raw_tables()[group[0].table])
        types = {name.lower(): kind for name, kind in group[0].columns.items() if name.lower() in known}
        scans.append({"reader": scan(group, f"filename = '{PATH_COLUMN}'"), "columns": types})
    return scans
