"""What several tests share: a sample built once per run with the public command, and where the real cases are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outside_in.paths import PROJECT
from outside_in.sample import generate

REAL_CASES = PROJECT.parent / "shared" / "real"


@dataclass(frozen=True)
class Built:
    """A finished build: its raw files, its output directory, and what was planted (empty for real data)."""

    raw: Path
    out: Path
    truth: dict[str, Any]

    @property
    def marts(self) -> duckdb.DuckDBPyConnection:
        """A new read-only connection to what was published."""
        return duckdb.connect(str(self.out / "published" / "warehouse.duckdb"), read_only=True)

    @property
    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """A new read-only connection to the private database with every layer."""
        return duckdb.connect(str(self.out / "build" / "warehouse.duckdb"), read_only=True)

    @property
    def manifest(self) -> dict[str, Any]:
        """dbt's manifest of the build."""
        loaded: dict[str, Any] = json.loads((self.out / "dbt" / "target" / "manifest.json").read_text("utf-8"))
        return loaded


def outside_in(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does; its output is one text."""
    return subprocess.run(
        [sys.executable, "-m", "outside_in.cli", *map(str, arguments)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def build(raw: Path, out: Path, vars_file: Path | None = None) -> Built:
    """Build `raw` into `out` with the public command; fails the test when the command fails."""
    extra: list[str | Path] = ["--vars-file", vars_file] if vars_file else []
    done = outside_in("build", "--raw-dir", raw, "--out", out, *extra)
    assert done.returncode == 0, done.stdout[-4000:]
    return Built(raw, out, {})


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """A year of a small company, built once for all tests."""
    folder = tmp_path_factory.mktemp("sample")
    summary = generate(folder / "raw", customers=600, days=365)
    built = build(folder / "raw", folder / "out")
    yield Built(built.raw, built.out, json.loads(summary.truth_path.read_text("utf-8")))
