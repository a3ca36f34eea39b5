"""Plain dbt works from the repository's root with the committed profile, and every unit test passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from outside_in.paths import PROJECT
from tests.conftest import Built


def dbt(built: Built, folder: Path, *arguments: str) -> str:
    """Run dbt as an analytics engineer does, on the database of `built`; fails the test when dbt fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments, "--target-path", str(folder / "target")],
        cwd=PROJECT,
        env=os.environ
        | {
            "RAW_DIR": str(built.raw),
            "OUTSIDE_IN_DATABASE": str(built.out / "build" / "warehouse.duckdb"),
            "DBT_LOG_PATH": str(folder / "logs"),
        },
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_unit_tests_pass(built_sample: Built, tmp_path: Path) -> None:
    dbt(built_sample, tmp_path, "test", "--select", "test_type:unit")
    results = json.loads((tmp_path / "target" / "run_results.json").read_text("utf-8"))["results"]
    tests = [result["status"] for result in results if result["unique_id"].startswith("unit_test.")]
    assert len(tests) > 150
    assert set(tests) == {"pass"}


def test_a_selection_builds_and_the_docs_are_generated(built_sample: Built, tmp_path: Path) -> None:
    dbt(built_sample, tmp_path, "build", "--select", "+fct_reviews", "--exclude-resource-type", "unit_test")
    dbt(built_sample, tmp_path, "docs", "generate")
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text("utf-8"))
    assert "model.outside_in.kpi_values" in catalog["nodes"]
