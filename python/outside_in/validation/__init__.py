"""Validation of the raw files before dbt runs: what is there, what is wrong, where and how much."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from pathlib import Path

from outside_in.validation.findings import Finding, Progress, ValidationResult
from outside_in.validation.inspection import FileReport, RawFile, inspect_files
from outside_in.validation.report import print_summary

__all__ = [
    "FileReport",
    "Finding",
    "RawFile",
    "ValidationResult",
    "inspect_files",
    "print_summary",
    "validate",
]


def validate(
    raw_dir: Path,
    out_dir: Path,
    *,
    data_docs: bool = True,
    strict: bool = False,
    progress: Progress | None = None,
    as_of: datetime | None = None,
    built: Container[str] = (),
    copies: Path | None = None,
) -> ValidationResult:
    """Inspect the raw files, run the table suites on them, and write the reports.

    Args:
        raw_dir: the raw directory, one folder per table of the contract.
        out_dir: where `validation.json`, `junit.xml`, `data_docs/index.html`, `history.json` (figures of the runs, for
            the next to compare with) and `files.json` are written; made if needed.
        data_docs: whether to write the Data Docs.
        strict: whether a warning is a failure in `junit.xml`.
        progress: called with the share done (0..1) and what is being done.
        as_of: the instant freshness and volume are measured at (UTC where it has no offset); by default the
            latest own time in the data that is not over a day after its row was landed.
        built: names of the files that the last build read, which the next cannot do without.
        copies: where text files are kept as Parquet, so that later runs read only new ones; they hold what the files
            hold. Nothing is kept where there is no such folder.

    Returns:
        The findings and the counts per table; the build cannot go on where it has `stops`.
    """
    # Great Expectations takes seconds to load; whoever only inspects files does not wait for it.
    from outside_in.validation.engine import run

    return run(
        raw_dir, out_dir, data_docs=data_docs, strict=strict, progress=progress, as_of=as_of, built=built, copies=copies
    )
