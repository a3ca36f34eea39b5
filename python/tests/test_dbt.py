"""Plain dbt works from the repository's root with the committed profile, and every unit test passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

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


def told(built: Built, folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run dbt as a build does, on the database in `folder`: how it ended, and what it told."""
    with subprocess.Popen(
        [sys.executable, "-m", "outside_in.dbt_process", "--log-path", str(folder / "logs"), *arguments],
        cwd=PROJECT,
        env=os.environ | {"RAW_DIR": str(built.raw), "OUTSIDE_IN_DATABASE": str(folder / "warehouse.duckdb")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [json.loads(line) for line in process.stdout]
        return process.wait(), lines


def test_each_node_and_failure_is_told_in_a_line(built_sample: Built, tmp_path: Path) -> None:
    shutil.copy(built_sample.out / "build" / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("insert into marts.dim_agents from marts.dim_agents limit 1")
    options = ["--exclude-resource-type", "unit_test", "--target-path", str(tmp_path / "target")]
    code, lines = told(built_sample, tmp_path, "test", "--select", "dim_agents", *options)
    ended = {line.pop("node"): line for line in lines if "node" in line}
    assert ended["unique_dim_agents_agent_id"].items() >= {"status": "fail", "found": 1, "in_all": len(ended)}.items()
    assert ended["not_null_dim_agents_agent_id"].items() >= {"status": "pass", "found": 0}.items()
    assert {line["done"] for line in ended.values()} == {*range(1, len(ended) + 1)}
    failures = [line["failure"] for line in lines if "failure" in line]
    assert code == 1 and "unique_dim_agents_agent_id" in failures[0] and "Got 1 result" in failures[1]

    assert told(built_sample, tmp_path, "--no-such-option") == (1, [{"failure": "No such option '--no-such-option'."}])
