"""What dbt's landing asks about the raw files: a plugin of dbt-duckdb that lends SQL one function.

The files are judged by the code that also validates them, and read by the same scans, so that the build never reads
a file another way than its check did.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import VARCHAR

from outside_in.contract import raw_tables
from outside_in.validation.inspection import FILES, RawFile, inspect_files, read_files, write_files
from outside_in.validation.views import landed

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
        `files`, one entry per file; `rows`, by table, SQL that reads its files; `stops`, sentences about files that the
        build cannot go on without.
    """
    report = inspect_files(raw_dir, known=read_files(known))
    write_files(report.files, known)
    # A JSON file without rows has no columns to read.
    rows = {
        name: landed(table, [file.read_as for file in report.readable(name) if file.columns], PATH_COLUMN)
        for name, table in raw_tables().items()
    }
    stops = [
        f"{finding.where}: {finding.what}. {finding.advice}."
        for finding in report.findings()
        if finding.severity == "critical" and not finding.set_aside
    ]
    return {"files": [_entry(file) for file in report.files], "rows": rows, "stops": stops}


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
