"""What the validation has to say: findings about files and expectations, and the result that holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "note"]
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, without any value of a row.

    Attributes:
        table: raw table (folder) it is about; empty for the raw directory itself.
        severity: critical is not right until somebody acts, warning is dealt with by staging, note is for information.
        what: what is wrong, in words.
        where: the file (relative to the raw directory), or the first of several.
        count: how many rows (or files, for a finding about files).
        rows: the first few row numbers in `where`; 1 is the first row of data.
        advice: what to do, or what happens to the rows.
        set_aside: a critical finding about a file that the build can go on without.
    """

    table: str
    severity: Severity
    what: str
    where: str = ""
    count: int = 1
    rows: tuple[int, ...] = ()
    advice: str = ""
    set_aside: bool = False


@dataclass(frozen=True)
class Check:
    """One evaluated expectation: its claim, its Great Expectations type, and how it went."""

    claim: str
    type: str
    severity: Severity
    reason: str
    success: bool
    count: int


@dataclass
class TableResult:
    """One raw table: number of files and rows, and the expectations evaluated on it."""

    files: int = 0
    rows: int = 0
    checks: list[Check] = field(default_factory=list)


@dataclass
class ValidationResult:
    """The outcome of one validation; `seconds` is wall time and stays out of the JSON file."""

    findings: list[Finding] = field(default_factory=list)
    tables: dict[str, TableResult] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def critical(self) -> list[Finding]:
        """What is not right until somebody acts."""
        return [finding for finding in self.findings if finding.severity == "critical"]

    @property
    def stops(self) -> list[Finding]:
        """The critical findings that the build cannot go on with: it would lose rows that nobody misses at once."""
        return [finding for finding in self.critical if not finding.set_aside]

    @property
    def warnings(self) -> list[Finding]:
        """What staging deals with, row by row."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    @property
    def notes(self) -> list[Finding]:
        """What is only worth knowing."""
        return [finding for finding in self.findings if finding.severity == "note"]

    @property
    def ok(self) -> bool:
        """Whether nothing is critical."""
        return not self.critical

    def as_json(self) -> dict[str, Any]:
        """The machine-readable form; the same input gives the same document."""
        return {
            "version": 1,
            "ok": self.ok,
            "can_build": not self.stops,
            "critical": [asdict(finding) for finding in self.critical],
            "warnings": [asdict(finding) for finding in self.warnings],
            "notes": [asdict(finding) for finding in self.notes],
            "tables": {name: asdict(table) for name, table in self.tables.items()},
        }
